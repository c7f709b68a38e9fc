package relay.redis;

import static relay.redis.RedisKeys.bytes;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The scripts of one pool, one method a script: builds KEYS and ARGV, decodes the reply, and when
 * Redis does not know the pool tells it the pool's shape and asks again.
 */
final class PoolScripts {
  private static final byte[] REAL_TIME = {};
  private static final int SURVEYED_TOGETHER = 200;
  private static final long STALE_MS = 400;
  private static final long NEVER_STALE_MS = 1_000_000_000_000L;

  private final RedisLink link;
  private final PoolPlan plan;
  private final RedisKeys keys;
  private final byte[] leaseMs;
  private final PoolClock clock = new PoolClock(System::nanoTime);
  private volatile long epoch;
  private volatile byte[] epochText = bytes(0);
  private @Nullable CompletableFuture<Void> configuring;

  PoolScripts(RedisLink link, PoolPlan plan, EngineOptions options) {
    this.link = link;
    this.plan = plan;
    keys = new RedisKeys(options.prefix(), plan.name());
    leaseMs = bytes(options.lease().toMillis());
  }

  /** The epoch under which this replica uses the pool; 0 before the first use. */
  long epoch() {
    return epoch;
  }

  CompletableFuture<Reply> acquire(String id, Demand demand, byte[][] fields) {
    byte[][] k = {keys.state, keys.win, keys.leases, keys.lease(id)};
    return known(
        () -> {
          byte[][] args = new byte[7 + fields.length][];
          args[0] = bytes(id);
          args[1] = epochText;
          args[2] = clock.ceiling();
          args[3] = REAL_TIME;
          args[4] = bytes(demand.inputTokens());
          args[5] = bytes(demand.outputTokens());
          args[6] = leaseMs;
          System.arraycopy(fields, 0, args, 7, fields.length);
          return call(ScriptFile.ACQUIRE, k, args, Reply::ofAcquire);
        });
  }

  CompletableFuture<Reply> pick(byte[][] fields) {
    byte[][] args = new byte[3 + fields.length][];
    args[1] = REAL_TIME;
    System.arraycopy(fields, 0, args, 3, fields.length);
    return known(
        () -> {
          args[0] = clock.ceiling();
          args[2] = bytes(ThreadLocalRandom.current().nextInt(Integer.MAX_VALUE));
          return call(ScriptFile.PICK, new byte[][] {keys.state}, args.clone(), Reply::ofAcquire);
        });
  }

  CompletableFuture<Reply> settle(String id, long inputTokens, long outputTokens) {
    return call(
        ScriptFile.SETTLE,
        new byte[][] {keys.state, keys.win, keys.leases, keys.lease(id)},
        new byte[][] {
          bytes(id), clock.ceiling(), REAL_TIME, bytes(inputTokens), bytes(outputTokens)
        },
        Reply::of);
  }

  CompletableFuture<Reply> cancel(String id) {
    return call(
        ScriptFile.CANCEL,
        new byte[][] {keys.state, keys.win, keys.leases, keys.lease(id)},
        new byte[][] {bytes(id), clock.ceiling(), REAL_TIME},
        Reply::of);
  }

  CompletableFuture<Reply> renew(List<String> ids) {
    byte[][] k = new byte[2 + ids.size()][];
    byte[][] args = new byte[3 + ids.size()][];
    k[0] = keys.state;
    k[1] = keys.leases;
    args[0] = clock.ceiling();
    args[1] = REAL_TIME;
    args[2] = leaseMs;
    for (int n = 0; n < ids.size(); n++) {
      k[2 + n] = keys.lease(ids.get(n));
      args[3 + n] = bytes(ids.get(n));
    }
    return call(ScriptFile.RENEW, k, args, Reply::of);
  }

  CompletableFuture<Reply> cooldown(String field, Duration howLong) {
    return known(
        () ->
            call(
                ScriptFile.COOLDOWN,
                new byte[][] {keys.state},
                new byte[][] {clock.ceiling(), REAL_TIME, bytes(field), bytes(howLong.toMillis())},
                Reply::of));
  }

  CompletableFuture<Reply> quarantine(List<String> ids, String reason) {
    byte[][] args = new byte[1 + ids.size()][];
    args[0] = bytes(reason);
    for (int n = 0; n < ids.size(); n++) {
      args[1 + n] = bytes(ids.get(n));
    }
    byte[][] k = {keys.state, keys.quarantine};
    return known(() -> call(ScriptFile.QUARANTINE, k, args, Reply::ofCount));
  }

  CompletableFuture<Reply> restore(List<String> fields) {
    byte[][] args = fields.stream().map(RedisKeys::bytes).toArray(byte[][]::new);
    byte[][] k = {keys.state, keys.quarantine};
    return known(() -> call(ScriptFile.RESTORE, k, args, Reply::ofCount));
  }

  CompletableFuture<Reply> charge(String id, String group, Usage usage) {
    return known(
        () ->
            call(
                ScriptFile.CHARGE,
                new byte[][] {keys.state, keys.win, keys.lease(id)},
                new byte[][] {
                  clock.ceiling(),
                  REAL_TIME,
                  bytes(group),
                  bytes(usage.requests()),
                  bytes(usage.inputTokens()),
                  bytes(usage.outputTokens())
                },
                Reply::of));
  }

  /**
   * The pool's state, read in slices.
   *
   * @param replica the caller's id as a sign of life, empty for an onlooker
   */
  CompletableFuture<PoolSnapshot> survey(String replica) {
    List<List<KeyPlan>> slices = new ArrayList<>();
    for (int from = 0; from < plan.keys().size(); from += SURVEYED_TOGETHER) {
      slices.add(plan.keys().subList(from, Math.min(plan.keys().size(), from + SURVEYED_TOGETHER)));
    }
    Survey survey = new Survey(plan);
    CompletableFuture<Void> done = CompletableFuture.completedFuture(null);
    for (List<KeyPlan> slice : slices) {
      done = done.thenCompose(v -> survey(replica, slice, survey));
    }
    return done.thenApply(v -> survey.snapshot());
  }

  private CompletableFuture<Void> survey(String replica, List<KeyPlan> slice, Survey survey) {
    List<String> groups = survey.newGroups(slice);
    return known(
            () -> {
              List<byte[]> args = new ArrayList<>();
              args.add(bytes(replica));
              args.add(clock.ceiling());
              args.add(REAL_TIME);
              args.add(bytes(survey.draws(STALE_MS, NEVER_STALE_MS)));
              args.add(bytes(groups.size()));
              groups.forEach(g -> args.add(bytes(g)));
              for (KeyPlan key : slice) {
                args.add(bytes(key.id()));
                args.add(bytes(key.account()));
              }
              return call(
                  ScriptFile.SURVEY,
                  new byte[][] {
                    keys.state,
                    keys.win,
                    keys.leases,
                    keys.quarantine,
                    keys.picture,
                    keys.replicas,
                    keys.summary
                  },
                  args.toArray(byte[][]::new),
                  Reply::of);
            })
        .thenAccept(
            reply -> {
              if (reply instanceof Reply.Done done) {
                survey.add(slice, groups, done);
              } else {
                throw new IllegalStateException("pool " + plan.name() + " is unknown to Redis");
              }
            });
  }

  /**
   * Merges what was learned of models, and tells what the fleet knows of them. Not to be sent again
   * when the outcome is not known: it would count twice.
   *
   * @param all whether to be told of all models
   */
  CompletableFuture<Map<String, ModelTally>> learn(boolean all, Map<String, ModelTally> learned) {
    List<byte[]> args = new ArrayList<>();
    args.add(REAL_TIME);
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

  /** Tells Redis the pool's shape; those who ask meanwhile share the one call. */
  CompletableFuture<Void> configure() {
    CompletableFuture<Void> mine;
    synchronized (this) {
      if (configuring != null) {
        return configuring;
      }
      mine = new CompletableFuture<>();
      configuring = mine;
    }
    var _ =
        call(
                ScriptFile.CONFIGURE,
                new byte[][] {keys.state, keys.win, keys.quarantine, keys.picture},
                configuration(),
                Reply::of)
            .whenComplete(
                (reply, failure) -> {
                  synchronized (this) {
                    configuring = null;
                    if (reply instanceof Reply.Done done) {
                      epoch = done.number(2);
                      epochText = bytes(epoch);
                    }
                  }
                  if (failure == null) {
                    mine.complete(null);
                  } else {
                    mine.completeExceptionally(failure);
                  }
                });
    return mine;
  }

  private byte[][] configuration() {
    List<byte[]> args = new ArrayList<>();
    args.add(clock.ceiling());
    args.add(REAL_TIME);
    args.add(bytes(epoch));
    args.add(bytes(ThreadLocalRandom.current().nextLong(1, Limits.MAX)));
    args.add(bytes(plan.window().toMillis()));
    args.add(bytes(plan.strategy().code()));
    args.add(bytes(String.format(Locale.ROOT, "%.6f", plan.burstRatio())));
    List<String> groups = plan.groups();
    args.add(bytes(groups.size()));
    for (String group : groups) {
      Limits limits = plan.limitsOf(group);
      args.add(bytes(group));
      for (Dimension d : Dimension.values()) {
        args.add(bytes(limits.of(d)));
      }
    }
    for (KeyPlan key : plan.keys()) {
      args.add(bytes(key.id()));
      args.add(bytes(key.maxConcurrent()));
      args.add(bytes(key.priority()));
      args.add(bytes(key.weight()));
    }
    return args.toArray(byte[][]::new);
  }

  /** A call that needs the pool to be known: once more after it was configured. */
  private CompletableFuture<Reply> known(Supplier<CompletableFuture<Reply>> call) {
    long asked = epoch;
    return call.get()
        .thenCompose(
            reply -> {
              if (!(reply instanceof Reply.Unknown)) {
                return CompletableFuture.completedFuture(reply);
              }
              if (epoch != asked) {
                return known(call); // it was configured meanwhile: many ask at start
              }
              return configure().thenCompose(done -> call.get());
            });
  }

  private CompletableFuture<Reply> call(
      ScriptFile script, byte[][] k, byte[][] args, Function<List<Object>, Reply> decode) {
    return link.call(script, k, args)
        .thenApply(
            raw -> {
              clock.saw(Reply.time(raw));
              return decode.apply(raw);
            });
  }
}
