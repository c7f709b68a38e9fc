package relay.e2e;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.model.Dialect;

/**
 * Bodies of 30 MB are read, scanned, edited and sent by the JDK's own threads. A carrier that did a
 * part of it would hold up all its other requests for that time, so it takes little processor time.
 */
@Tag("slow")
class LongBodyCostTest {
  private static final int BODY_BYTES = 30_000_000;
  private static final int BODIES = 4;

  /** What the other threads take at least, in terms of the carriers. */
  private static final int RATIO = 4;

  private static final String CARRIER = "carrier-";
  private static final String JDK = "ForkJoinPool";

  @Test
  void a_carrier_does_no_part_of_the_work_for_a_long_body() throws Exception {
    try (RawProvider provider = RawProvider.fine(Dialect.ANTHROPIC);
        Replicas replicas =
            new Setup()
                .provider(
                    "anthropic",
                    Dialect.ANTHROPIC,
                    provider.url(),
                    List.of("model_mapping: { anthropic: another-name }"),
                    List.of(Setup.key("a")))
                .start(1)) {
      byte[] body =
          Ask.body("anthropic", "\"x\":\"" + "x".repeat(BODY_BYTES) + "\",").getBytes(ISO_8859_1);
      byte[] request = Ask.of(Dialect.ANTHROPIC, "").body(body).bytes();
      long pid = replicas.get(0).pid();
      long carriersBefore = ticks(pid, CARRIER);
      long othersBefore = ticks(pid, JDK);
      for (int n = 0; n < BODIES; n++) {
        try (RawClient wire = new RawClient(replicas.port(0))) {
          assertEquals(200, wire.send(request).answer().status());
        }
      }
      assertTrue(provider.received().getLast().isFor("another-name"), "the model was mapped");
      long carriers = ticks(pid, CARRIER) - carriersBefore;
      long others = ticks(pid, JDK) - othersBefore;
      assertTrue(
          others >= RATIO * carriers,
          "ticks of the carriers: " + carriers + ", of the others: " + others);
    }
  }

  /** Processor time of the threads of a process whose names begin so, as {@code proc(5)} counts. */
  private static long ticks(long pid, String name) throws IOException {
    try (Stream<Path> threads = Files.list(Path.of("/proc/" + pid + "/task"))) {
      long sum = 0;
      for (Path thread : threads.toList()) {
        String stat;
        try {
          stat = Files.readString(thread.resolve("stat"));
        } catch (IOException e) {
          continue; // it has ended
        }
        int end = stat.lastIndexOf(')');
        if (stat.startsWith(name, stat.indexOf('(') + 1)) {
          String[] fields = stat.substring(end + 2).split(" ", -1);
          sum += Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
        }
      }
      return sum;
    }
  }
}
