package relay.redis.chaos;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.Consumer;
import relay.guards.Await;
import relay.redis.model.RedisServers.Topology;

/** What may happen to a Redis, or to the replicas. */
@SuppressWarnings("ImmutableEnumChecker") // nobody changes what a constant has
enum ChaosFault {
  NOTHING("none", all(), 3_000, s -> {}, s -> {}),
  KILLED(
      "kill -9, started again after 3 s", all(), 3_000, ChaosStage::kill, ChaosStage::startAgain),
  EMPTY(
      "kill -9, back without data after 3 s",
      EnumSet.of(Topology.STANDALONE),
      3_000,
      ChaosStage::kill,
      ChaosStage::startEmpty),
  FROZEN("SIGSTOP for 10 s", all(), 10_000, ChaosStage::freeze, ChaosStage::thaw),
  RESET("connections reset, six times", network(), 200, ChaosFault::resetOften, s -> {}),
  SLOW(
      "200 ms of latency for 5 s",
      network(),
      5_000,
      s -> s.network().delay(200),
      s -> s.network().delay(0)),
  SILENT(
      "all packets lost for 3 s",
      network(),
      3_000,
      s -> s.network().silence(true),
      s -> s.network().silence(false)),
  LOST_WRITES(
      "failover without the last 0.8 s of writes",
      EnumSet.of(Topology.SENTINEL),
      3_000,
      ChaosStage::loseWrites,
      s -> {}),
  MOVED("slot moved", EnumSet.of(Topology.CLUSTER), 1_500, ChaosStage::moveSlot, s -> {}),
  FUNCTIONS(
      "FUNCTION FLUSH",
      all(),
      1_500,
      s -> {
        var _ = s.master().call("FUNCTION", "FLUSH");
      },
      s -> {}),
  FLUSHED(
      "FLUSHALL",
      all(),
      3_000,
      s -> {
        var _ = s.master().call("FLUSHALL");
      },
      s -> {}),
  FULL(
      "memory full for 3 s",
      all(),
      3_000,
      s -> {
        var _ = s.master().call("CONFIG", "SET", "maxmemory", "1");
      },
      s -> {
        var _ = s.master().call("CONFIG", "SET", "maxmemory", "0");
      }),
  AHEAD("clock an hour ahead", all(), 3_000, s -> s.stepClock(3_600), s -> {}),
  BACK("clock an hour back", all(), 3_000, s -> s.stepClock(-3_600), s -> {}),
  STALLED("replicas stopped 300 ms a second", all(), 100, s -> stallThisProcess(), s -> {});

  private final String title;
  private final Set<Topology> topologies;
  private final long millis;
  private final Consumer<ChaosStage> begin;
  private final Consumer<ChaosStage> end;

  ChaosFault(
      String title,
      Set<Topology> topologies,
      long millis,
      Consumer<ChaosStage> begin,
      Consumer<ChaosStage> end) {
    this.title = title;
    this.topologies = topologies;
    this.millis = millis;
    this.begin = begin;
    this.end = end;
  }

  private static Set<Topology> all() {
    return EnumSet.allOf(Topology.class);
  }

  /** The proxy stands before one server. */
  private static Set<Topology> network() {
    return EnumSet.of(Topology.STANDALONE);
  }

  String title() {
    return title;
  }

  boolean fits(Topology topology) {
    return topologies.contains(topology);
  }

  boolean isOfNetwork() {
    return this == RESET || this == SLOW || this == SILENT;
  }

  /** Whether other rows must not run meanwhile. */
  boolean isAlone() {
    return this == STALLED;
  }

  /** Returns when it has lasted long enough. */
  void strike(ChaosStage stage) {
    begin.accept(stage);
    Await.moment(System.nanoTime() + millis * 1_000_000);
  }

  void end(ChaosStage stage) {
    end.accept(stage);
  }

  private static void resetOften(ChaosStage stage) {
    for (int n = 0; n < 6; n++) {
      stage.network().reset();
      Await.moment(System.nanoTime() + 400_000_000);
    }
  }

  /** By another process, for a stopped one does nothing. */
  private static void stallThisProcess() {
    String script = "for i in 1 2 3 4; do kill -STOP $0; sleep 0.3; kill -CONT $0; sleep 0.7; done";
    try {
      new ProcessBuilder("sh", "-c", script, Long.toString(ProcessHandle.current().pid()))
          .start()
          .waitFor();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
