package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.model.Dialect;

/**
 * Callers that come back when they are told to, for a model that the provider always refuses: the
 * other model of the class is served as before, and they themselves ask ever more seldom.
 */
@Tag("slow")
class ObedientCallersTest {
  private static final Dialect DIALECT = Dialect.ANTHROPIC;
  private static final int WORKERS = 3;

  /** In nanoseconds. */
  private static final long PAUSE = 20_000_000;

  private static final long LONGEST = 20_000_000_000L;

  @ParameterizedTest
  @CsvSource({"6, 1, ''", "6, 5, ''", "1, 1, ''", "1, 5, ''", "6, 1, 30"})
  void a_refused_model_costs_the_others_of_its_class_nothing(
      int accounts, int callers, String retryAfter) throws Exception {
    try (RawProvider provider =
            new RawProvider(
                (request, connection) ->
                    connection.write(
                        !request.isFor("refused")
                            ? Says.fine(DIALECT)
                            : Says.json(
                                429,
                                Says.error(DIALECT, "rate_limit_error", "no"),
                                retryAfter.isEmpty()
                                    ? new String[0]
                                    : new String[] {"retry-after: " + retryAfter})));
        Replicas replicas = setup(provider, accounts).start(2);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      AtomicBoolean over = new AtomicBoolean();
      List<Future<List<Integer>>> workers = new ArrayList<>();
      for (int n = 0; n < WORKERS; n++) {
        int replica = n % 2;
        workers.add(threads.submit(worker(replicas.port(replica), over)));
      }
      LockSupport.parkNanos(2_000_000_000L);
      long served = provider.received("healthy").size();
      long began = System.nanoTime();
      List<Future<Integer>> obedient = new ArrayList<>();
      for (int n = 0; n < callers; n++) {
        obedient.add(threads.submit(caller(replicas.port(n % 2))));
      }
      int asked = 0;
      for (Future<Integer> caller : obedient) {
        asked += caller.get();
      }
      double during = (System.nanoTime() - began) / 1e9;
      long servedThen = provider.received("healthy").size() - served;
      over.set(true);
      int answers = 0;
      for (Future<List<Integer>> worker : workers) {
        for (int status : worker.get()) {
          assertEquals(200, status, "the healthy model was refused");
          answers++;
        }
      }
      int refused = provider.received("refused").size();
      System.out.printf(
          "%d accounts, %d callers, retry-after '%s': healthy %.1f/s before, %.1f/s during %.1f s;"
              + " asked %d, refused upstream %d%n",
          accounts, callers, retryAfter, served / 2.0, servedThen / during, during, asked, refused);
      assertTrue(answers > 0);
      // 1, 2, 4 s an account; callers that ask at once try each account before a refusal is known
      int most = 8 * accounts + 2 * callers + accounts * (callers - 1);
      assertTrue(refused <= most, refused + " refused upstream");
    }
  }

  private static Callable<List<Integer>> worker(int port, AtomicBoolean over) {
    return () -> {
      List<Integer> statuses = new ArrayList<>();
      while (!over.get()) {
        statuses.add(RawClient.ask(port, Ask.of(DIALECT, "healthy").from("by")).status());
        LockSupport.parkNanos(PAUSE);
      }
      return statuses;
    };
  }

  /** Asks until it is told four seconds, exactly when it may; returns how often it asked. */
  private static Callable<Integer> caller(int port) {
    return () -> {
      long began = System.nanoTime();
      for (int asked = 1; ; asked++) {
        Answer answer = RawClient.ask(port, Ask.of(DIALECT, "refused").from("x"));
        Errors.relays(answer, DIALECT, 429, "rate_limit_error");
        long ms = Errors.retryAfterMs(answer);
        if (ms > 3_000 || System.nanoTime() - began > LONGEST) {
          return asked;
        }
        LockSupport.parkNanos(ms * 1_000_000);
      }
    };
  }

  private static Setup setup(RawProvider provider, int accounts) {
    List<String> keys = new ArrayList<>();
    for (int n = 1; n <= accounts; n++) {
      keys.add(Setup.key("k-" + n));
    }
    return new Setup()
        .client("x")
        .client("by")
        .provider("p", DIALECT, provider.url(), List.of("models: [healthy, refused]"), keys);
  }
}
