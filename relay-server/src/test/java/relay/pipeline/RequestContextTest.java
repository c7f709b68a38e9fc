package relay.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import relay.metrics.Meters;
import relay.pool.Configs;

class RequestContextTest {
  @AutoClose private final Meters meters = new Meters(Configs.of(Configs.POOLS));

  private final List<String> seen = new ArrayList<>();
  private final List<Runnable> rests = new ArrayList<>();
  private boolean stopped;

  private final RequestContext handling =
      new RequestContext(client(), meters, Duration.ofSeconds(1), () -> seen.add("done"));

  /** One whose other thread is the test's, when it runs what is left. */
  private ClientExchange client() {
    return ScriptedExchange.of(
        (proxy, method, given) -> {
          if (!method.getName().equals("goOn")) {
            seen.add(method.getName());
          } else if (stopped) {
            throw new RejectedExecutionException("no thread is left");
          } else {
            rests.add((Runnable) given[0]);
          }
          return null;
        });
  }

  @Test
  void what_is_left_runs_after_the_thread_that_began_has_gone() {
    handling.run(() -> handling.continueOnNewThread(() -> handling.done(200, "upstream")));
    assertEquals(List.of(), seen);
    rests.getFirst().run();
    assertEquals(List.of("done"), seen);
  }

  @Test
  void an_error_in_what_is_left_ends_the_request_once() {
    handling.run(
        () ->
            handling.continueOnNewThread(
                () -> {
                  throw new IllegalStateException("as a test wants it");
                }));
    rests.getFirst().run();
    assertEquals(List.of("abort", "done"), seen);
  }

  @Test
  void a_request_for_whose_rest_there_is_no_thread_ends_at_once() {
    stopped = true;
    handling.run(
        () ->
            assertThrows(
                RejectedExecutionException.class,
                () -> handling.continueOnNewThread(() -> seen.add("rest"))));
    handling.run(() -> handling.continueOnNewThread(() -> seen.add("rest")));
    assertEquals(List.of("abort", "done"), seen);
  }
}
