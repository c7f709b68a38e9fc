package relay.redis;

import static relay.redis.script.RedisKeys.bytes;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import relay.redis.lease.NamedCall;
import relay.redis.library.ScriptFile;
import relay.redis.model.Demand;
import relay.redis.model.EngineOptions;
import relay.redis.script.Candidates;
import relay.redis.script.RedisKeys;
import relay.redis.script.Reply;
import relay.redis.script.ScriptCaller.Call;

/** Calls on a pool of clients' own limits, as {@link NamedCall} makes them, at a clock's time. */
record NamedCalls(Workload workload, RedisKeys names, Candidates candidates, long epoch) {
  /** Values in the reply for each request. */
  private static final int VALUES = 13;

  /** Reserved, and used, in billionths of a dollar. */
  private static final long RESERVED = 6_000_000;

  private static final long USED = 4_200_000;

  /** Reserves for requests by turns of the clients, and ends as many leases or none. */
  Call acquire(List<String> ids, List<String> ended, String time) {
    List<byte[]> keys =
        List.of(names.state, names.win, names.leases, names.due, names.later, names.budgets);
    boolean budgeted = workload.budgets() > 0;
    StringBuilder line = new StringBuilder().append(epoch).append(" 0 ").append(time);
    line.append(' ').append(EngineOptions.DEFAULT_LEASE.toMillis());
    line.append(' ').append(ended.size()).append(' ').append(ids.size());
    line.append(budgeted ? " 1" : " 0").append(ScriptRig.COST.repeat(ended.size()));
    line.append((" " + Workload.INPUT + " " + Workload.OUTPUT + " -").repeat(ids.size()));
    if (budgeted) {
      line.append((" " + RESERVED + " " + USED).repeat(ended.size()));
      line.append((" " + RESERVED).repeat(ids.size()));
    }
    List<byte[]> args = new ArrayList<>(List.of(bytes(line.toString())));
    ended.forEach(id -> args.add(bytes(id)));
    ids.forEach(id -> args.add(bytes(id)));
    Demand demand = Demand.of(Workload.CLASS, Workload.INPUT, Workload.OUTPUT);
    ids.forEach(id -> args.add(candidates.lineOf(demand.on(keyOf(id)))));
    if (budgeted) {
      ended.forEach(id -> args.add(candidates.budgets().line(keyOf(id))));
      ids.forEach(id -> args.add(candidates.budgets().line(keyOf(id))));
    }
    return new Call(ScriptFile.ACQUIRE_NAMED, keys, args);
  }

  /** The client whose lease it is. The numbers of leases go by turns through all clients. */
  private String keyOf(String id) {
    return "key" + Long.parseLong(id.replaceAll("\\D", "")) % workload.keys();
  }

  /** What a reply says of each request. */
  Stream<Reply> replies(List<Object> reply) {
    int endings = reply.size() - 2 - VALUES * workload.batch();
    return Reply.ofNamed(reply, endings).stream();
  }
}
