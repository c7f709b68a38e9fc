package relay.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import relay.logging.RequestLog;
import relay.metrics.Meters;
import relay.pool.Configs;

class RequestContextTest {
  @AutoClose private final Meters meters = new Meters(Configs.of(Configs.POOLS));

  private final List<String> calls = new ArrayList<>();
  private final List<Runnable> continuations = new ArrayList<>();
  private final RunningRequests running = new RunningRequests();
  private boolean stopped;
  private boolean abortFails;

  private final RequestContext request =
      new RequestContext(
          client(),
          meters,
          new BackgroundResponses(Duration.ofMinutes(1)),
          null,
          new RequestLog(0),
          running,
          running.enter());

  /** The test runs the continuation itself, in place of another thread. */
  private ClientExchange client() {
    return ScriptedExchange.of(
        (proxy, method, given) -> {
          if (!method.getName().equals("continueOnNewThread")) {
            calls.add(method.getName());
            if (abortFails) {
              throw new IllegalStateException("the connection is in an odd state");
            }
          } else if (stopped) {
            throw new RejectedExecutionException("no thread is left");
          } else {
            continuations.add((Runnable) given[0]);
          }
          return null;
        });
  }

  @Test
  void the_continuation_runs_after_the_first_thread_has_returned() {
    request.run(
        resources ->
            request.continueOnNewThread(resources, _ -> request.answer().done(200, "upstream")));
    assertEquals(1, running.count());
    continuations.getFirst().run();
    assertEquals(0, running.count());
    assertEquals(List.of(), calls);
  }

  @Test
  void an_error_in_the_continuation_ends_the_request_once() {
    request.run(
        resources ->
            request.continueOnNewThread(
                resources,
                _ -> {
                  throw new IllegalStateException("as a test wants it");
                }));
    assertEquals(List.of(), calls);
    continuations.getFirst().run();
    assertEquals(List.of("abort"), calls);
    assertEquals(0, running.count());
  }

  @Test
  void a_request_without_a_thread_for_its_continuation_ends_at_once() {
    stopped = true;
    request.run(
        resources ->
            assertThrows(
                RejectedExecutionException.class,
                () -> request.continueOnNewThread(resources, _ -> calls.add("rest"))));
    request.run(resources -> request.continueOnNewThread(resources, _ -> calls.add("rest")));
    assertEquals(List.of("abort"), calls);
    assertEquals(0, running.count());
  }

  @Test
  void a_request_whose_connection_cannot_be_aborted_does_not_count_as_running() {
    abortFails = true;
    assertThrows(
        IllegalStateException.class,
        () ->
            request.run(
                _ -> {
                  throw new StackOverflowError("as a test wants it");
                }));
    assertEquals(0, running.count());
  }
}
