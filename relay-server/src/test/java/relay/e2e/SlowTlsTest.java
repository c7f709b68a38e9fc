package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import relay.model.Dialect;

/** Providers whose TLS handshakes fail slowly. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SlowTlsTest {
  private static final int STALLED = 8;
  private static final int ATTEMPTS = 2;

  /** Fewer than the failures that open a breaker; all their attempts are more. */
  private static final int REQUESTS = 6;

  private final RawProvider provider =
      new RawProvider(
          ProviderWire.TLS_H1,
          (request, connection) -> connection.write(Says.fine(Dialect.ANTHROPIC)));
  private final RawProvider plain = RawProvider.fine(Dialect.ANTHROPIC);
  private final SlowPipe dropping = new SlowPipe(provider.port(), SlowPipe.Way.DROP);
  private final SlowPipe trickling = new SlowPipe(provider.port(), SlowPipe.Way.TRICKLE);
  private final SlowPipe delaying = new SlowPipe(provider.port(), SlowPipe.Way.DELAY);
  private final SlowPipe stalling = new SlowPipe(provider.port(), SlowPipe.Way.DROP);
  private final Replicas impatient;
  private final Replicas patient; // its connect timeout is longer than the test waits
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

  SlowTlsTest() throws Exception {
    Setup soon = new Setup().server("connect_timeout_ms: 1000");
    through(dropping, soon, "dropping", ProviderWire.TLS_H1.settings());
    through(trickling, soon, "trickling", ProviderWire.TLS_H1.settings());
    impatient = soon.start(1);
    Setup late = new Setup().server("connect_timeout_ms: 120000");
    through(delaying, late, "delaying", List.of()); // its certificate is unknown
    through(stalling, late, "stalling", ProviderWire.TLS_H1.settings());
    late.provider("other", Dialect.ANTHROPIC, plain.url(), Setup.key("other"));
    patient = late.start(1);
  }

  private static void through(SlowPipe pipe, Setup setup, String name, List<String> settings) {
    List<String> all = new ArrayList<>(settings);
    all.add("max_attempts: " + ATTEMPTS);
    setup.provider(
        name,
        Dialect.ANTHROPIC,
        "https://127.0.0.1:" + pipe.port(),
        all,
        List.of(Setup.key(name + "-1"), Setup.key(name + "-2")));
  }

  @AfterAll
  void close() throws Exception {
    threads.shutdownNow();
    impatient.close();
    patient.close();
    for (SlowPipe pipe : List.of(dropping, trickling, delaying, stalling)) {
      pipe.close();
    }
    provider.close();
    plain.close();
  }

  /** Requests of one client fail; the next one finds the breaker closed. */
  private void fails(Replicas replicas, String name, String reason, int attempts) throws Exception {
    for (Future<Answer> each : ask(replicas, name, REQUESTS)) {
      Answer answer = each.get();
      assertEquals(502, answer.status(), answer.text());
      String message = "provider " + name + " cannot be reached: " + reason;
      assertTrue(answer.text().contains(message), answer.text());
      assertEquals(String.valueOf(attempts), answer.header("x-relay-attempts"));
    }
  }

  private static int status(Replicas replicas, String name) throws IOException {
    return RawClient.ask(replicas.port(0), Ask.of(Dialect.ANTHROPIC, name)).status();
  }

  @Test
  void a_handshake_without_an_answer_ends_in_time() throws Exception {
    fails(impatient, "dropping", "no connection in time", ATTEMPTS);
    dropping.way(SlowPipe.Way.PASS);
    assertEquals(200, status(impatient, "dropping"));
  }

  @Test
  void a_handshake_whose_bytes_trickle_ends_in_time() throws Exception {
    fails(impatient, "trickling", "no connection in time", ATTEMPTS);
    trickling.way(SlowPipe.Way.PASS);
    assertEquals(200, status(impatient, "trickling"));
  }

  @Test
  void a_certificate_that_comes_late_is_refused_as_such() throws Exception {
    fails(patient, "delaying", "its TLS certificate is not trusted", 1);
    assertEquals(502, status(patient, "delaying")); // 529 if the breaker were open
  }

  private List<Future<Answer>> ask(Replicas replicas, String model, int requests) {
    List<Future<Answer>> answers = new ArrayList<>();
    for (int n = 0; n < requests; n++) {
      answers.add(
          threads.submit(() -> RawClient.ask(replicas.port(0), Ask.of(Dialect.ANTHROPIC, model))));
    }
    return answers;
  }

  @Test
  void others_are_served_beside_handshakes_that_stall() throws Exception {
    List<Future<Answer>> stalled = ask(patient, "stalling", STALLED);
    assertTrue(stalling.answers().tryAcquire(STALLED, 20, TimeUnit.SECONDS), "all shake hands");
    for (Future<Answer> each : ask(patient, "other", STALLED)) {
      assertEquals(200, each.get().status());
    }
    assertTrue(stalled.stream().noneMatch(Future::isDone), "they still wait");
    stalling.close();
    for (Future<Answer> each : stalled) {
      assertEquals(502, each.get().status());
    }
  }
}
