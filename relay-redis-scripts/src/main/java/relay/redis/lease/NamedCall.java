package relay.redis.lease;

import static relay.redis.script.RedisKeys.bytes;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import relay.redis.lease.PendingUpdate.Ending;
import relay.redis.library.ScriptFile;
import relay.redis.model.Demand;
import relay.redis.script.Candidates;
import relay.redis.script.PoolScripts;
import relay.redis.script.Reply;
import relay.redis.script.ScriptCaller;
import relay.redis.script.ScriptCaller.Call;

/**
 * Builds a call of {@code acquire_named}: requests on the keys that they name, and ended leases.
 */
public record NamedCall(PoolScripts scripts, Candidates shape) {

  Call of(List<AcquireCalls.Request> requests, List<Ending> endings) {
    List<byte[]> k = scripts.caller().leaseKeys();
    k.add(shape.budgetsKey());
    k.addAll(shape.allSets());
    boolean budgets = !shape.budgets().isEmpty();
    StringBuilder line = scripts.callLine().append(' ').append(endings.size());
    line.append(' ').append(requests.size()).append(budgets ? " 1" : " 0");
    List<byte[]> args = new ArrayList<>(1 + 2 * endings.size() + 3 * requests.size());
    args.add(ScriptCaller.NONE); // placeholder for the line
    LeaseCalls.appendEndings(endings, line, args);
    requests.forEach(request -> AcquireCalls.append(request, line, args));
    for (AcquireCalls.Request request : requests) {
      Demand served = shape.served(request.demand());
      args.add(shape.lineOf(served == null ? request.demand() : served));
    }
    if (budgets) {
      appendBudgets(requests, endings, line, args);
    }
    args.set(0, bytes(line.toString()));
    return new Call(ScriptFile.ACQUIRE_NAMED, k, args);
  }

  /** Ends leases in a call of their own. */
  public CompletableFuture<List<Reply>> settle(List<Ending> endings) {
    return scripts.callConfigured(
        () -> of(List.of(), endings), raw -> Reply.ofEndings(raw, endings.size()));
  }

  private void appendBudgets(
      List<AcquireCalls.Request> requests,
      List<Ending> endings,
      StringBuilder line,
      List<byte[]> args) {
    for (Ending ending : endings) {
      line.append(' ').append(ending.reservedNanodollars());
      line.append(' ').append(ending.usedNanodollars());
      args.add(shape.budgets().line(ending.key()));
    }
    for (AcquireCalls.Request request : requests) {
      line.append(' ').append(request.demand().cost());
      args.add(shape.budgets().line(request.demand().key()));
    }
  }
}
