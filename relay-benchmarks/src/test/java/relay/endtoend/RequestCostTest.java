package relay.endtoend;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.embedded.LoopbackPorts;
import relay.guards.CostBound;
import relay.load.ClosedLoop;
import relay.load.Question;
import relay.load.SentRequests;

/**
 * The cost of a request in a whole replica: bytes allocated by all threads, and Redis commands.
 * Requests run one after another, so that each has its own Redis calls. Code is compiled by C1
 * only, because C2's optimizations vary between runs.
 */
@Tag("slow")
final class RequestCostTest {
  private static final int WARM = 300;
  private static final int PARTS = 4;
  private static final int REQUESTS = 100;

  private static Stage stage;
  private static int counter;

  @BeforeAll
  static void start() throws IOException {
    counter = LoopbackPorts.free();
    stage =
        new Stage(
            List.of(
                Processes.tool("java"),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:+UseCompactObjectHeaders",
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "--add-opens=java.base/java.lang=ALL-UNNAMED",
                "-D" + CountedReplica.PORT + "=" + counter,
                "-cp",
                System.getProperty("java.class.path"),
                CountedReplica.class.getName()),
            ProviderLine.PLAIN);
    stage.replica(8);
    measure(Question.ofJson(2_048)); // initialize lazily created state
  }

  @AfterAll
  static void stop() throws IOException {
    stage.close();
  }

  /**
   * Figures per request: the minimum over several parts, because a replica's periodic work adds to
   * some of them.
   */
  private record Figures(double bytes, double calls, double commands) {
    Figures least(Figures other) {
      return new Figures(
          Math.min(bytes, other.bytes),
          Math.min(calls, other.calls),
          Math.min(commands, other.commands));
    }
  }

  private static Figures measure(Question question) throws IOException {
    try (ClosedLoop loop = new ClosedLoop(stage.ports(), SentRequests.of(question.bytes()), 1, 1)) {
      loop.run(WARM).checked();
      Figures least = part(loop);
      for (int part = 1; part < PARTS; part++) {
        least = least.least(part(loop));
      }
      return least;
    }
  }

  private static Figures part(ClosedLoop loop) throws IOException {
    long bytes = CountedReplica.allocated(counter);
    long calls = stage.redis().functionCalls();
    long commands = stage.redis().commands();
    loop.run(REQUESTS).checked();
    return new Figures(
        (double) (CountedReplica.allocated(counter) - bytes) / REQUESTS,
        (double) (stage.redis().functionCalls() - calls) / REQUESTS,
        (double) (stage.redis().commands() - commands) / REQUESTS);
  }

  @Test
  void a_request_allocates_little_and_asks_redis_once() throws IOException {
    Figures figures = measure(Question.ofJson(2_048));
    CostBound.REQUEST_2_KB.hold(figures.bytes);
    CostBound.REDIS_CALLS.hold(figures.calls);
    CostBound.REDIS_COMMANDS.hold(figures.commands);
  }

  @Test
  void a_large_request_allocates_little_beyond_its_own_bytes() throws IOException {
    CostBound.REQUEST_50_KB.hold(measure(Question.ofJson(51_200)).bytes);
  }

  @Test
  void a_stream_allocates_little_for_its_events() throws IOException {
    CostBound.REQUEST_30_EVENTS.hold(measure(Question.ofEvents(2_048, 30)).bytes);
  }
}
