package relay.e2e;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.model.Dialect;

/**
 * A carrier deadlocks if it waits for a lock that one of its own virtual threads is about to get.
 * This test runs all kinds of requests on many carriers at once; every request must get an answer.
 */
@Tag("slow")
class ManyCarriersTest {
  private static final int CLIENTS = 32;
  private static final int REQUESTS = 80;
  private static final long MINUTES = 2;

  private final RawProvider provider =
      new RawProvider(
          (request, connection) -> {
            Dialect dialect = request.isFor("openai") ? Dialect.OPENAI : Dialect.ANTHROPIC;
            if (new String(request.body(), UTF_8).contains("\"stream\":true")) {
              connection.write(Says.STREAM);
              for (String event : Says.events(dialect)) {
                connection.chunk(event);
              }
              connection.chunk("");
            } else {
              connection.write(Says.fine(dialect));
            }
          });
  private final Queue<String> wrong = new ConcurrentLinkedQueue<>();
  private final AtomicInteger answered = new AtomicInteger();

  ManyCarriersTest() throws Exception {}

  @AfterEach
  void close() throws Exception {
    provider.close();
  }

  /** Runs one client, over kept and new connections. */
  private void live(int port, Random random) {
    for (int n = 0; n < REQUESTS; n++) {
      try {
        act(port, random);
      } catch (IOException | RuntimeException e) {
        wrong.add(e.toString());
      }
    }
  }

  private void act(int port, Random random) throws IOException {
    Dialect dialect = random.nextBoolean() ? Dialect.OPENAI : Dialect.ANTHROPIC;
    String model = dialect == Dialect.OPENAI ? "openai" : "anthropic";
    switch (random.nextInt(8)) {
      case 0 -> expect(400, port, Ask.of(dialect, model).body("{"));
      case 1 -> expect(404, port, Ask.of(dialect, "nobody-has-this"));
      case 2 -> expect(404, port, Ask.of(dialect, model).target("/nowhere"));
      case 3 -> expect(401, port, Ask.of(dialect, model).credential("x-api-key: wrong"));
      case 4 -> {
        try (RawClient leaving = new RawClient(port)) {
          leaving.send(Ask.stream(dialect, model));
        }
      }
      case 5 -> expect(200, port, Ask.of(dialect, model).chunked(1 + random.nextInt(20)));
      case 6 -> {
        Answer answer = RawClient.ask(port, Ask.stream(dialect, model));
        note(answer.status() == 200 && answer.whole(), answer);
      }
      default -> {
        try (RawClient kept = new RawClient(port)) {
          for (int n = 0; n < 3; n++) {
            Answer answer = kept.send(Ask.of(dialect, model)).answer();
            note(answer.status() == 200, answer);
          }
        }
      }
    }
  }

  private void expect(int status, int port, Ask ask) throws IOException {
    Answer answer = RawClient.ask(port, ask);
    note(answer.status() == status, answer);
  }

  private void note(boolean right, Answer answer) {
    answered.incrementAndGet();
    if (!right) {
      wrong.add(answer.toString());
    }
  }

  @Test
  void every_request_is_answered_and_the_replica_stops() throws Exception {
    Setup setup =
        new Setup()
            .jvm("-XX:ActiveProcessorCount=5")
            .provider("anthropic", Dialect.ANTHROPIC, provider.url(), Setup.key("a"))
            .provider("openai", Dialect.OPENAI, provider.url(), Setup.key("o"));
    try (Replicas replicas = setup.start(1)) {
      int port = replicas.port(0);
      CountDownLatch end = new CountDownLatch(CLIENTS);
      for (int n = 0; n < CLIENTS; n++) {
        Random random = new Random(n);
        Thread.ofVirtual()
            .start(
                () -> {
                  live(port, random);
                  end.countDown();
                });
      }
      assertTrue(end.await(MINUTES, TimeUnit.MINUTES), end.getCount() + " clients wait for ever");
      assertEquals(List.of(), wrong.stream().distinct().toList());
      assertTrue(answered.get() > CLIENTS * REQUESTS / 2, answered + " answers");
      replicas.get(0).terminate();
      assertEquals(0, replicas.get(0).exitCode(), replicas.get(0).log());
    }
  }
}
