package relay.endtoend;

import java.io.IOException;
import java.util.List;
import relay.embedded.LoopbackPorts;
import relay.load.ClosedLoop;
import relay.load.Question;
import relay.load.SentRequests;

/**
 * A replica whose requests are counted: bytes allocated by all threads, system calls that read or
 * write, and Redis commands. Requests run one after another, so that each has its own Redis calls.
 * Code is compiled by C1 only, because C2's optimizations vary between runs.
 */
final class CountedStage implements AutoCloseable {
  private static final int WARM = 300;
  private static final int PARTS = 4;
  private static final int REQUESTS = 100;

  private final int counter = LoopbackPorts.free();
  private final Stage stage;

  CountedStage(ProviderLine line) throws IOException {
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
            line);
    stage.replica(8);
    measure(Question.ofJson(2_048)); // initialize lazily created state
  }

  /**
   * Figures per request: the minimum over several parts, because a replica's periodic work adds to
   * some of them.
   */
  record Figures(double bytes, double systemCalls, double calls, double commands) {
    private Figures least(Figures other) {
      return new Figures(
          Math.min(bytes, other.bytes),
          Math.min(systemCalls, other.systemCalls),
          Math.min(calls, other.calls),
          Math.min(commands, other.commands));
    }
  }

  Figures measure(Question question) throws IOException {
    try (ClosedLoop loop = new ClosedLoop(stage.ports(), SentRequests.of(question.bytes()), 1, 1)) {
      loop.run(WARM).checked();
      Figures least = part(loop);
      for (int part = 1; part < PARTS; part++) {
        least = least.least(part(loop));
      }
      return least;
    }
  }

  private Figures part(ClosedLoop loop) throws IOException {
    CountedReplica.Counts before = CountedReplica.counts(counter);
    long calls = stage.redis().functionCalls();
    long commands = stage.redis().commands();
    loop.run(REQUESTS).checked();
    CountedReplica.Counts after = CountedReplica.counts(counter);
    return new Figures(
        (double) (after.bytes() - before.bytes()) / REQUESTS,
        (double) (after.systemCalls() - before.systemCalls()) / REQUESTS,
        (double) (stage.redis().functionCalls() - calls) / REQUESTS,
        (double) (stage.redis().commands() - commands) / REQUESTS);
  }

  @Override
  public void close() throws IOException {
    stage.close();
  }
}
