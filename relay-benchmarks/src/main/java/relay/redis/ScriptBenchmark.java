package relay.redis;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.BenchmarkParams;
import relay.embedded.EmbeddedRedis;
import relay.redis.model.Strategy;

/**
 * Acquires and settles requests. The score is the time of a pair, including client and connection.
 * {@code acquireNanos} and {@code settleNanos} are the times inside a call of each script; {@code
 * bothNanos} is that of an acquire that also ends leases.
 */
@SuppressWarnings("NullAway.Init") // JMH calls start() first
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 3, time = 1)
public class ScriptBenchmark {
  /** The number of keys in the pool. */
  @Param({"1", "4", "8", "16", "64", "1000", "10000"})
  public int keys;

  /** The number of limited dimensions. */
  @Param({"4"})
  public int dimensions;

  /** Requests per call. */
  @Param({"1"})
  public int batch;

  /** The selection strategy. */
  @Param({"LEAST_LOADED"})
  public Strategy strategy = Strategy.LEAST_LOADED;

  /** The state of the keys. */
  @Param({"FREE"})
  public Standing standing = Standing.FREE;

  private EmbeddedRedis redis;
  private ScriptRig rig;

  /**
   * Time inside the scripts. JMH sums the counters of all iterations, so each iteration adds its
   * share of the mean.
   */
  @AuxCounters(AuxCounters.Type.EVENTS)
  @State(Scope.Thread)
  public static class InRedis {
    private int iterations = 1;
    private long bursts;
    private double acquire;
    private double both;
    private double settle;

    /** Resets the counters of the last iteration. */
    @Setup(Level.Iteration)
    public void forget(BenchmarkParams params) {
      iterations = params.getMeasurement().getCount() * Math.max(1, params.getForks());
      bursts = 0;
      acquire = 0;
      both = 0;
      settle = 0;
    }

    void add(ScriptRig.Bursts cost) {
      bursts++;
      acquire += cost.acquire().microsPerCall();
      both += cost.both().microsPerCall();
      settle += cost.settle().microsPerCall();
    }

    /** Nanoseconds inside a call of acquire. */
    public long acquireNanos() {
      return Math.round(1_000 * acquire / bursts / iterations);
    }

    /** Nanoseconds inside a call of acquire that also ends leases. */
    public long bothNanos() {
      return Math.round(1_000 * both / bursts / iterations);
    }

    /** Nanoseconds inside a call of settle. */
    public long settleNanos() {
      return Math.round(1_000 * settle / bursts / iterations);
    }
  }

  /** Starts a Redis and a pool for each parameter combination. */
  @Setup
  public void start() throws Exception {
    redis = EmbeddedRedis.start();
    rig =
        new ScriptRig(
            redis.url(),
            Workload.of(keys)
                .dimensions(dimensions)
                .batch(batch)
                .strategy(strategy)
                .standing(standing));
  }

  /** Stops both. */
  @TearDown
  public void stop() {
    rig.close();
    redis.close();
  }

  /** Three bursts, each in one write: acquires, acquires that end those leases, settles. */
  @Benchmark
  @OperationsPerInvocation(2 * ScriptRig.BURST)
  public void acquire_and_settle(InRedis counters) {
    counters.add(rig.measure());
  }
}
