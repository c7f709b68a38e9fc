package relay.redis.script;

import static relay.redis.script.RedisKeys.bytes;

import io.lettuce.core.RedisCommandExecutionException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import java.util.function.Supplier;
import relay.redis.estimate.ModelTally;
import relay.redis.library.ScriptFile;
import relay.redis.link.RedisLink;
import relay.redis.model.Demand;
import relay.redis.model.EngineOptions;
import relay.redis.model.Fallback;
import relay.redis.model.PoolPlan;
import relay.redis.script.ScriptCaller.Call;

/**
 * The scripts of one pool, one method per script: builds KEYS and ARGV and decodes the reply. If
 * Redis does not know the pool, it announces the pool and calls again.
 */
public final class PoolScripts {
  private static final int LINE_CHARS = 128; // of a call for one request, some 100

  private final RedisLink link;
  private final ScriptCaller caller;
  private final PlanAnnouncer plans;
  private final FleetSurvey fleet;
  private final ToldLimits answers;
  private final KeyStandings standings;
  private final RedisKeys keys;
  private final String replica;
  private final byte[] leaseMs;

  public PoolScripts(
      RedisLink link, PoolPlan plan, EngineOptions options, Introductions introductions) {
    this.link = link;
    replica = options.replica();
    keys = new RedisKeys(options.prefix(), plan.name());
    leaseMs = bytes(options.lease().toMillis());
    caller = new ScriptCaller(link, keys);
    plans = new PlanAnnouncer(caller, plan, replica);
    standings = new KeyStandings(this, link, keys, replica);
    answers = new ToldLimits();
    fleet =
        new FleetSurvey(
            caller,
            plans,
            replica,
            options.fallback() == Fallback.FAIR_SHARE,
            answers,
            introductions);
  }

  /** The epoch under which this replica uses the pool; 0 before the first use. */
  public long epoch() {
    return plans.epoch();
  }

  /** The keys and groups of the present plan. */
  public Candidates candidates() {
    return plans.candidates();
  }

  public PoolPlan plan() {
    return candidates().plan();
  }

  /** Calls that take keys out of use, and bring them back. */
  public KeyStandings standings() {
    return standings;
  }

  /** The plan in the form that Redis gets. */
  public PlanAnnouncer plans() {
    return plans;
  }

  /** Calls of any script of this pool. */
  public ScriptCaller caller() {
    return caller;
  }

  /** The pool's state, and its replicas. */
  public FleetSurvey fleet() {
    return fleet;
  }

  /** Answers that travel with the next heartbeats. */
  public ToldLimits answers() {
    return answers;
  }

  /** Tells what was used before the state was lost. */
  public CompletableFuture<Reply> recall(List<byte[]> told) {
    List<byte[]> args = caller.clockArgs();
    args.addAll(told);
    return caller
        .call(new Call(ScriptFile.RECALL, List.of(keys.state, keys.win), args))
        .thenApply(Reply::of);
  }

  /**
   * Whether a call for this demand can also end leases. That needs the names of all ready sets, if
   * there are any.
   */
  public boolean endsWith(Demand demand) {
    Candidates now = candidates();
    return now.isNamed() || (now.isIndexed() ? demand.key().isEmpty() : !now.hasOthers());
  }

  public CompletableFuture<Reply> pick(byte[][] fields) {
    return callConfigured(
        () -> {
          List<byte[]> args = caller.clockArgs();
          args.add(bytes(ThreadLocalRandom.current().nextInt(Integer.MAX_VALUE)));
          args.addAll(List.of(fields));
          return new Call(ScriptFile.PICK, List.of(keys.state), args);
        },
        raw -> Reply.isUnknown(raw) ? new Reply.Unknown() : Reply.ofAcquire(raw, 0).getFirst());
  }

  /** The account that made the first known of these, in their order. */
  public CompletableFuture<Optional<String>> owner(List<String> hashes) {
    return owner(link, keys, hashes);
  }

  /** As {@link #owner(List)}, of a pool that has these names. */
  public static CompletableFuture<Optional<String>> owner(
      RedisLink link, RedisKeys keys, List<String> hashes) {
    List<byte[]> k = new ArrayList<>();
    hashes.forEach(hash -> k.addAll(keys.pins(hash)));
    return link.call(
            ScriptFile.OWNER,
            k.toArray(byte[][]::new),
            hashes.stream().map(RedisKeys::bytes).toArray(byte[][]::new))
        .thenApply(Reply::ofNamed);
  }

  /** The names of the pool's keys in Redis. */
  public RedisKeys keys() {
    return keys;
  }

  /** The time to a new lease's deadline, in milliseconds. */
  public byte[] leaseMs() {
    return leaseMs;
  }

  /**
   * Renews leases.
   *
   * @param leases the id of each, or its id and report, or its id and grant
   */
  public CompletableFuture<Reply> renew(List<String> leases) {
    List<byte[]> args = caller.clockArgs();
    args.add(leaseMs);
    leases.forEach(lease -> args.add(bytes(lease)));
    List<byte[]> k = new ArrayList<>(List.of(keys.state, keys.win, keys.leases, keys.later));
    k.addAll(candidates().allSets());
    return caller.call(new Call(ScriptFile.RENEW, k, args)).thenApply(Reply::of);
  }

  /** Checks some leases that are due. Returns whether more are. */
  public CompletableFuture<Boolean> sweep() {
    List<byte[]> k = caller.leaseKeys();
    k.addAll(candidates().allSets());
    return caller
        .call(new Call(ScriptFile.SWEEP, k, caller.clockArgs()))
        .thenApply(reply -> !Reply.isUnknown(reply) && Reply.number(reply.get(2)) == 1);
  }

  /** How many lasting leases these owners have open, in order. */
  public CompletableFuture<List<Long>> opened(List<String> owners) {
    byte[][] args = owners.stream().map(RedisKeys::bytes).toArray(byte[][]::new);
    return link.call(ScriptFile.OPENED, new byte[][] {keys.leases}, args)
        .thenApply(reply -> reply.stream().skip(1).map(Reply::number).toList());
  }

  /**
   * Renews leases of a pool whose demands name their key, with what their requests have made.
   *
   * @param reports of each {@code id made dollars}, and its key's budgets
   */
  public CompletableFuture<Reply> report(List<String> reports) {
    List<byte[]> args = caller.clockArgs();
    args.add(leaseMs);
    reports.forEach(report -> args.add(bytes(report)));
    List<byte[]> k = new ArrayList<>(List.of(keys.state, keys.win, keys.leases, keys.later));
    k.add(candidates().budgetsKey());
    return caller.call(new Call(ScriptFile.REPORT, k, args)).thenApply(Reply::of);
  }

  /**
   * Cools a key or a group down.
   *
   * @param grantedMicros grant time, on the pool's clock, of the request that the provider refused;
   *     0 if there was none
   */
  public CompletableFuture<Reply> cooldown(String field, Duration howLong, long grantedMicros) {
    return callConfigured(
        () -> {
          List<byte[]> args = caller.clockArgs();
          args.addAll(List.of(bytes(field), bytes(howLong.toMillis()), bytes(grantedMicros)));
          return new Call(ScriptFile.COOLDOWN, List.of(keys.state, keys.win, keys.learned), args);
        },
        Reply::of);
  }

  /**
   * Reports the limits in providers' answers.
   *
   * @param lines as {@link ToldLimits#line} makes them
   */
  public CompletableFuture<Reply> observe(List<String> lines) {
    byte[] answers = bytes(String.join("\n", lines));
    return callConfigured(
        () -> {
          List<byte[]> k = new ArrayList<>(List.of(keys.state, keys.win, keys.learned));
          k.addAll(candidates().allSets());
          List<byte[]> args = caller.clockArgs();
          args.add(answers);
          return new Call(ScriptFile.OBSERVE, k, args);
        },
        Reply::of);
  }

  /** Whether demands that cannot be carried are granted all the same. */
  public boolean isShadow(Demand demand) {
    Candidates now = candidates();
    Demand served = now.served(demand);
    return served != null && now.isShadow(served);
  }

  /**
   * Merges learned tallies into the fleet's and returns the fleet's. Never retry it when the
   * outcome is unknown: it would count twice.
   *
   * @param all whether to return all models, not only those in {@code learned}
   */
  public CompletableFuture<Map<String, ModelTally>> learn(
      boolean all, Map<String, ModelTally> learned) {
    List<byte[]> args = new ArrayList<>();
    args.add(ScriptCaller.NONE);
    args.add(bytes(all ? 1 : 0));
    learned.forEach(
        (model, tally) -> {
          args.add(bytes(model));
          args.add(bytes(Math.round(tally.samples)));
          args.add(bytes(Math.round(tally.bytes)));
          args.add(bytes(Math.round(tally.tokens)));
          args.add(bytes(tally.outputsText()));
        });
    return link.call(ScriptFile.LEARN, new byte[][] {keys.estimates}, args.toArray(byte[][]::new))
        .thenApply(Reply::ofLearn);
  }

  /** The start of acquire's first argument: {@code epoch ceiling given lease_ms}. */
  public StringBuilder callLine() {
    StringBuilder line = new StringBuilder(LINE_CHARS).append(plans.epochText()).append(' ');
    return line.append(caller.ceiling()).append(" - ").append(ScriptCaller.text(leaseMs));
  }

  /** Logs a call that Redis refused, at a limited rate. */
  public void reportRefusal(String what, RedisCommandExecutionException why) {
    link.reportRefusal(what, why);
  }

  /** Calls a script. If Redis does not know the pool, announces the pool and calls once more. */
  public <T> CompletableFuture<T> callConfigured(
      Supplier<Call> call, Function<List<Object>, T> decode) {
    return plans.callConfigured(call, decode);
  }
}
