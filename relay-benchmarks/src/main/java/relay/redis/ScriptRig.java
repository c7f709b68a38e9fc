package relay.redis;

import static relay.redis.script.RedisKeys.bytes;

import io.lettuce.core.FlushMode;
import io.lettuce.core.LettuceFutures;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.RedisURI;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.codec.ByteArrayCodec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import relay.redis.library.ScriptFile;
import relay.redis.model.Demand;
import relay.redis.model.EngineOptions;
import relay.redis.model.PoolPlan;
import relay.redis.model.Usage;
import relay.redis.script.Candidates;
import relay.redis.script.RedisKeys;
import relay.redis.script.Reply;
import relay.redis.script.ScriptCaller.Call;

/**
 * Calls the scripts of a pool in a private Redis, hundreds per write, so that Redis spends its time
 * in scripts. Not thread-safe.
 */
final class ScriptRig implements AutoCloseable {
  /** Requests per burst. */
  static final int BURST = 480;

  private static final int REFERENCES = 240;

  /** Two minutes, in simulated time. */
  private static final int BURSTS_UNTIL_SHORT = 13;

  /** Leases whose progress one call reports; a replica sends up to 100. */
  private static final int REPORTS = 96;

  /** The usage per request: a little below the reservation, as usual. */
  static final String COST = " 1 " + Workload.INPUT * 9 / 10 + " " + Workload.OUTPUT / 2;

  /** Made so far, expected still to come, and its standard deviation. */
  private static final String PROGRESS =
      " %d %d %d".formatted(Workload.OUTPUT / 4, Workload.OUTPUT / 2, Workload.OUTPUT / 2);

  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final String REFERENCE =
      """
      #!lua name=relay_reference
      redis.register_function('relay_reference', function(KEYS)
        for n = 1, 20 do redis.call('GET', KEYS[1]) end
        return 1
      end)
      """;

  private final Workload workload;
  private final Supplier<String> clock;
  private final RedisClient client;
  private final StatefulRedisConnection<byte[], byte[]> pipe;
  private final RedisCommands<byte[], byte[]> redis;
  private final RedisKeys names;
  private final Candidates candidates;
  private final long epoch;
  private final NamedCalls named;
  private long leases;

  /**
   * The cost of bursts.
   *
   * @param acquire calls of acquire alone
   * @param both calls of acquire that end as many leases as they grant
   * @param settle calls of settle
   * @param reportMicros one lease's part of a call that reports progress; 0 if nothing is streamed
   */
  record Bursts(ServerCost acquire, ServerCost both, ServerCost settle, double reportMicros) {}

  /** Clears the Redis at the URL and creates the pool there. Uses the time of Redis. */
  ScriptRig(String url, Workload workload) {
    this(url, workload, () -> "-");
  }

  /**
   * Uses simulated time, whatever the machine's speed: 10,000 calls per second, 1,000 of clients
   * with limits, 50 if the pool is short.
   */
  static ScriptRig timed(String url, Workload workload) {
    AtomicLong micros = new AtomicLong(1_000 * (System.currentTimeMillis() + 60_000));
    return new ScriptRig(
        url, workload, () -> Long.toString(micros.addAndGet(workload.stepMicros())));
  }

  private ScriptRig(String url, Workload workload, Supplier<String> clock) {
    this.workload = workload;
    this.clock = clock;
    RedisURI uri = RedisURI.create(url);
    uri.setTimeout(PATIENCE);
    client = RedisClient.create(uri);

    pipe = client.connect(ByteArrayCodec.INSTANCE);
    pipe.setAutoFlushCommands(false);
    redis = client.connect(ByteArrayCodec.INSTANCE).sync();
    redis.flushall();
    redis.functionFlush(FlushMode.SYNC);
    redis.functionLoad(REFERENCE);
    PoolPlan plan = workload.plan("bench");
    names = new RedisKeys("bench", plan.name());
    candidates = new Candidates(plan, names);
    epoch = PreparedPool.prepare(url, plan, workload, PATIENCE);
    named = new NamedCalls(workload, names, candidates, epoch);
    warm();
  }

  /**
   * Warms up until every request of a burst is granted at once: keys without capacity get parked.
   * Also until each key had a request: the script caches what it reads of a key.
   */
  private void warm() {
    if (workload.standing() == Standing.SHORT) {
      for (int n = 0; n < BURSTS_UNTIL_SHORT; n++) {
        send(acquires(ids()));
      }
      return;
    }
    int most = Math.ceilDiv(workload.keys(), BURST) + 2;
    for (int quiet = 0, bursts = 0; quiet < 3 || bursts < most; bursts++) {
      List<String> ids = ids();
      quiet = granted(send(acquires(ids))) == BURST ? quiet + 1 : 0;
      send(settles(ids));
    }
  }

  /** Microseconds of twenty commands in a function: a reference for comparing machines. */
  double reference() {
    redis.configResetstat();
    List<RedisFuture<?>> all = new ArrayList<>();
    for (int n = 0; n < REFERENCES; n++) {
      byte[][] key = {bytes("reference")};
      all.add(pipe.async().fcall("relay_reference", ScriptOutputType.INTEGER, key));
    }
    await(all);
    return ServerCost.read(redis).microsPerCall();
  }

  /** Measures one burst of each kind. */
  Bursts measure() {
    List<String> first = ids();
    ServerCost acquire = acquired(acquires(first));
    double report = report(first);
    List<String> second = ids();
    ServerCost both = acquired(acquires(second, first));
    report(second);
    List<Call> settles = settles(second);
    redis.configResetstat();
    send(settles);
    return new Bursts(acquire, both, ServerCost.read(redis), report);
  }

  /** Reports what streams have made so far: microseconds a lease. */
  private double report(List<String> ids) {
    if (!workload.streamed()) {
      return 0;
    }
    List<byte[]> keys = new ArrayList<>(List.of(names.state, names.win, names.leases, names.later));
    keys.addAll(candidates.readySets());
    List<Call> calls = new ArrayList<>();
    for (int from = 0; from < BURST; from += REPORTS) {
      List<byte[]> args = new ArrayList<>(List.of(bytes("0"), bytes(clock.get())));
      args.add(bytes(EngineOptions.DEFAULT_LEASE.toMillis()));
      ids.subList(from, from + REPORTS).forEach(id -> args.add(bytes(id + PROGRESS)));
      calls.add(new Call(ScriptFile.RENEW, keys, args));
    }
    redis.configResetstat();
    send(calls);
    return (double) ServerCost.read(redis).micros() / BURST;
  }

  /** Uses the first group's limits up. Measures a settle and the acquire after it, as one call. */
  ServerCost usedUp() {
    List<String> held = ids();
    send(acquires(held));
    Usage all = Workload.all();
    List<byte[]> charge = new ArrayList<>(List.of(bytes("0"), bytes(clock.get())));
    charge.addAll(List.of(bytes("all" + leases++), bytes(Workload.group(0))));
    for (String none : List.of("-", "0", "0", "1", "0", "0", "-", "-", "0")) {
      charge.add(bytes(none));
    }
    for (long used : new long[] {all.requests(), all.inputTokens(), all.outputTokens()}) {
      charge.add(bytes(used));
    }
    List<byte[]> keys = leaseKeys();
    keys.add(names.budgets);
    send(List.of(new Call(ScriptFile.CHARGE, keys, charge)));
    List<Call> settles = settles(held);
    List<Call> acquires = acquires(ids());
    List<Call> calls = new ArrayList<>();
    for (int n = 0; n < settles.size(); n++) {
      calls.addAll(List.of(settles.get(n), acquires.get(n)));
    }
    send(calls.subList(0, calls.size() / 2));
    redis.configResetstat();
    List<List<Object>> replies =
        new ArrayList<>(send(calls.subList(calls.size() / 2, calls.size())));
    replies.removeIf(reply -> reply.size() < 7); // those of settle
    if (granted(replies) > 0) {
      throw new IllegalStateException("the limits are not used up");
    }
    return ServerCost.read(redis);
  }

  /** Measures requests of a pool that is short: nine of ten are refused. */
  ServerCost refused() {
    redis.configResetstat();
    int granted = granted(send(acquires(ids())));
    if (granted > BURST / 5) {
      throw new IllegalStateException("granted " + granted + " of " + BURST);
    }
    return ServerCost.read(redis);
  }

  private ServerCost acquired(List<Call> acquires) {
    redis.configResetstat();
    int granted = granted(send(acquires));
    if (granted != BURST) {
      throw new IllegalStateException("granted " + granted + " of " + BURST);
    }
    return ServerCost.read(redis);
  }

  /**
   * Total microseconds of Redis's main thread for a pair in one call: parsing, scripts, replies.
   */
  double cpuMicrosPerPair(int bursts) {
    List<String> held = ids();
    send(acquires(held));
    double before = ServerCost.cpuMicros(redis);
    for (int n = 0; n < bursts; n++) {
      List<String> ids = ids();
      send(acquires(ids, held));
      held = ids;
    }
    double used = ServerCost.cpuMicros(redis) - before;
    send(settles(held));
    return used / ((double) bursts * BURST);
  }

  String version() {
    return redis
        .info("server")
        .lines()
        .filter(l -> l.startsWith("redis_version:") || l.startsWith("valkey_version:"))
        .reduce((first, last) -> last)
        .orElse("?")
        .replace("_version:", " ");
  }

  private List<String> ids() {
    List<String> ids = new ArrayList<>();
    for (int n = 0; n < BURST; n++) {
      ids.add("bench" + String.format("%012d", leases++)); // the length of a real lease id
    }
    return ids;
  }

  private List<Call> acquires(List<String> ids) {
    return acquires(ids, List.of());
  }

  /** Calls of acquire that end as many leases as they grant, or none. */
  private List<Call> acquires(List<String> ids, List<String> ended) {
    Demand demand = Demand.of(Workload.CLASS, Workload.INPUT, Workload.OUTPUT);
    List<byte[]> keys = leaseKeys();
    keys.addAll(candidates.readySets());
    List<Call> calls = new ArrayList<>();
    List<List<String>> endings = batches(ended);
    for (List<String> some : batches(ids)) {
      List<String> over = endings.isEmpty() ? List.of() : endings.get(calls.size());
      if (workload.isNamed()) {
        calls.add(named.acquire(some, over, clock.get()));
        continue;
      }
      StringBuilder line = new StringBuilder().append(epoch).append(" 0 ").append(clock.get());
      line.append(' ').append(EngineOptions.DEFAULT_LEASE.toMillis());
      line.append(' ').append(over.size());
      if (candidates.isIndexed()) {
        line.append(' ').append(some.size()).append(" 0");
        candidates.appendReadySets(Workload.CLASS, line);
      }
      line.append(COST.repeat(over.size()));
      String spread = workload.streamed() ? " " + Workload.OUTPUT : " -";
      line.append((" " + Workload.INPUT + " " + Workload.OUTPUT + spread).repeat(some.size()));
      some.forEach(id -> line.append(workload.shareOf(id)));
      List<byte[]> args = new ArrayList<>(List.of(bytes(line.toString())));
      if (!candidates.isIndexed()) {
        args.add(candidates.lineOf(demand));
      }
      over.forEach(id -> args.add(bytes(id)));
      some.forEach(id -> args.add(bytes(id)));
      ScriptFile script = candidates.isIndexed() ? ScriptFile.ACQUIRE_INDEXED : ScriptFile.ACQUIRE;
      calls.add(new Call(script, keys, args));
    }
    return calls;
  }

  private List<Call> settles(List<String> ids) {
    List<byte[]> keys = leaseKeys();
    keys.addAll(candidates.readySets());
    List<Call> calls = new ArrayList<>();
    for (List<String> some : batches(ids)) {
      if (workload.isNamed()) {
        calls.add(named.acquire(List.of(), some, clock.get()));
        continue;
      }
      List<byte[]> args =
          new ArrayList<>(List.of(bytes("0 " + clock.get() + COST.repeat(some.size()))));
      some.forEach(id -> args.add(bytes(id)));
      calls.add(new Call(ScriptFile.SETTLE, keys, args));
    }
    return calls;
  }

  private List<byte[]> leaseKeys() {
    return new ArrayList<>(List.of(names.state, names.win, names.leases, names.due, names.later));
  }

  private List<List<String>> batches(List<String> ids) {
    List<List<String>> batches = new ArrayList<>();
    for (int from = 0; from < ids.size(); from += workload.batch()) {
      batches.add(ids.subList(from, Math.min(ids.size(), from + workload.batch())));
    }
    return batches;
  }

  private List<List<Object>> send(List<Call> calls) {
    List<RedisFuture<List<Object>>> all = new ArrayList<>();
    for (Call call : calls) {
      all.add(
          pipe.async()
              .fcall(
                  call.script().function(),
                  ScriptOutputType.MULTI,
                  call.keys().toArray(byte[][]::new),
                  call.args().toArray(byte[][]::new)));
    }
    await(all);
    return all.stream().map(reply -> reply.toCompletableFuture().join()).toList();
  }

  private void await(List<? extends RedisFuture<?>> all) {
    pipe.flushCommands();
    if (!LettuceFutures.awaitAll(PATIENCE, all.toArray(RedisFuture<?>[]::new))) {
      throw new IllegalStateException("no answer within " + PATIENCE);
    }
  }

  private int granted(List<List<Object>> replies) {
    return (int)
        replies.stream()
            .flatMap(
                reply ->
                    workload.isNamed()
                        ? named.replies(reply)
                        : Reply.ofAcquire(reply, reply.size() - 2 - 5 * workload.batch()).stream())
            .filter(reply -> reply instanceof Reply.Grant)
            .count();
  }

  @Override
  public void close() {
    client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
  }
}
