package relay.redis.walk;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import relay.redis.estimate.OutputBuckets;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.Usage;

/** The calls of a {@link Walk} that no limit counts. */
final class UncountedWalk {
  private static final List<String> PROBES = List.of("", "", "ask", "ask", "good", "bad", "back");
  private static final long[] SAMPLES = {0, 1, 2, 19, 20, 21, 500, 999, 1_000, 50_000};
  private static final int MODELS = 5;
  static final int REPLICAS = 3;
  private static final int CLIENTS = 4;

  private final RandomGenerator random;
  private final PoolModel model;

  private static final int SOURCES = 3;

  UncountedWalk(RandomGenerator random, PoolModel model) {
    this.random = random;
    this.model = model;
  }

  /** A random number of tokens, often near 0, {@code typical} or half of it. */
  static long amount(RandomGenerator random, long typical) {
    long share =
        switch (random.nextInt(12)) {
          case 0 -> 0;
          case 1 -> 1;
          case 2 -> typical;
          case 3 -> typical / 2;
          case 4 -> 2 * typical + random.nextInt(2);
          case 5 -> random.nextLong(1 + typical);
          default -> random.nextLong(2 + typical / 10);
        };
    return Math.min(share, Limits.MAX);
  }

  Step pick(List<String> fields) {
    return new PickStep(random.nextInt(1_000), fields);
  }

  /** Calls that do not concern keys. */
  Step other() {
    return switch (random.nextInt(8)) {
      case 0, 1, 2 -> breaker();
      case 3, 4 -> learn();
      case 5, 6 -> tally();
      default -> tallied();
    };
  }

  /** Bursts of failures; otherwise the breaker would hardly ever open. */
  private Step breaker() {
    boolean fails = random.nextInt(3) == 0;
    long failures = random.nextInt(fails ? 12 : 3);
    long successes = random.nextInt(3) == 0 ? random.nextInt(12) : 0;
    String holder = model.breaker.tries();
    String caller =
        holder.isEmpty() || random.nextBoolean() ? "r" + random.nextInt(REPLICAS) : holder;
    List<BreakerStep.Source> sources = new ArrayList<>();
    int first = random.nextInt(SOURCES);
    for (int n = random.nextInt(3); n > 0; n--) {
      // Often all of the failures: a single source decides most easily.
      long part = random.nextBoolean() ? failures : random.nextLong(1 + failures);
      String source = "client c" + (first + n) % SOURCES;
      sources.add(new BreakerStep.Source(source, part, random.nextLong(1 + successes)));
    }
    String probe = PROBES.get(random.nextInt(PROBES.size()));
    return new BreakerStep(failures, successes, probe, caller, sources);
  }

  Step probe(List<String> ids) {
    return new ProbeStep(random.nextBoolean() ? 1_000 : 60_000, ids);
  }

  private Step learn() {
    List<LearnStep.Learned> models = new ArrayList<>();
    int first = random.nextInt(MODELS);
    for (int n = random.nextInt(4); n > 0; n--) {
      models.add(learned("m" + (first + n) % MODELS));
    }
    return new LearnStep(random.nextInt(4) == 0, models);
  }

  private LearnStep.Learned learned(String name) {
    long samples = SAMPLES[random.nextInt(SAMPLES.length)];
    long bytes = samples * random.nextInt(100_000);
    SortedMap<Integer, Long> outputs = new TreeMap<>();
    for (int n = random.nextInt(5); n > 0; n--) {
      outputs.put(random.nextInt(OutputBuckets.COUNT), 1 + random.nextLong(1 + samples));
    }
    return new LearnStep.Learned(name, samples, bytes, random.nextLong(1 + bytes), outputs);
  }

  private Step tally() {
    List<TallyStep.Told> clients = new ArrayList<>();
    int first = random.nextInt(CLIENTS);
    for (int n = random.nextInt(4); n > 0; n--) {
      Usage used =
          random.nextInt(3) == 0 ? Usage.NONE : new Usage(random.nextInt(3), tokens(), tokens());
      clients.add(
          new TallyStep.Told(
              "c" + (first + n) % CLIENTS, used, Math.max(0, random.nextInt(5) - 2)));
    }
    return new TallyStep("r" + random.nextInt(REPLICAS), 30_000, clients);
  }

  private long tokens() {
    return random.nextInt(10) == 0 ? Limits.MAX : random.nextInt(3) * 1_000L;
  }

  private Step tallied() {
    List<String> replicas = new ArrayList<>();
    for (int n = random.nextInt(1 + REPLICAS); n > 0; n--) {
      replicas.add("r" + (n - 1));
    }
    return new TalliedStep(
        replicas, random.nextInt(4) == 0 ? List.of() : List.of("c0", "c2", "c1"));
  }

  /** The times, in microseconds of Redis's clock, at which an answer may change without a call. */
  LongStream moments(Step step) {
    return switch (step) {
      case BreakerStep _ -> model.breaker.moments();
      case ProbeStep _ -> model.probation.moments();
      case TalliedStep _ -> model.tally.moments();
      case PickStep pick ->
          pick.inUse(model).stream().mapToLong(server -> model.given(server.from()));
      default -> LongStream.of();
    };
  }

  /** A small request of the first key. */
  Step small(String id, PoolPlan plan, long leaseMs) {
    KeyPlan key = plan.keys().getFirst();
    String group = "g:" + PoolPlan.group(key.account(), plan.modelClasses().getFirst());
    return Step.acquire(id, model.epoch(), 1, 1, leaseMs, List.of("k:" + key.id(), group));
  }

  /** One of these. */
  static long pick(RandomGenerator random, long[] values) {
    return values[random.nextInt(values.length)];
  }

  /** At least one element, if there is any. */
  static <T> Stream<T> some(RandomGenerator random, List<T> all) {
    if (all.isEmpty()) {
      return Stream.of();
    }
    int from = random.nextInt(all.size());
    return List.copyOf(all.subList(from, random.nextInt(from + 1, all.size() + 1))).stream();
  }
}
