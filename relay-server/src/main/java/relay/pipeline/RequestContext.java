package relay.pipeline;

import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.logging.RequestLog;
import relay.metrics.Meters;
import relay.trace.RequestTrace;
import relay.trace.Tracing;

/** One request: its client, its record, its cancellation and its answer. */
final class RequestContext {
  private static final Logger log = LoggerFactory.getLogger(RequestContext.class);

  private final ClientExchange client;
  private final Meters meters;
  private final BackgroundResponses background;
  private final Duration patience;
  private final RequestRecord record;
  private final Cancellation cancellation = new Cancellation();
  private final ClientAnswer answer;
  private final @Nullable RequestTrace trace;
  private final int othersRunning;

  /**
   * @param tracing null if requests are not traced
   * @param patience how long attempts may begin, unless the client gives up earlier
   * @param running counts it already
   * @param othersRunning how many requests of the replica were running before it
   */
  RequestContext(
      ClientExchange client,
      Meters meters,
      BackgroundResponses background,
      @Nullable Tracing tracing,
      RequestLog requestLog,
      Duration patience,
      RunningRequests running,
      int othersRunning) {
    this.client = client;
    this.meters = meters;
    this.background = background;
    this.patience = patience;
    record = new RequestRecord(meters, requestLog);
    answer = new ClientAnswer(client, record, cancellation, running);
    this.othersRunning = othersRunning;
    trace =
        tracing == null
            ? null
            : tracing.begin(record.id(), client.method(), client.target(), client::headers);
    if (trace != null) {
      record.traceBy(trace);
    }
  }

  /** Runs the request. An error inside Relay ends it, and is logged. */
  void run(Consumer<RequestResources> work) {
    run(new RequestResources(meters), work);
  }

  private void run(RequestResources resources, Consumer<RequestResources> work) {
    try (resources) {
      work.accept(resources);
    } catch (RuntimeException | Error e) {
      log.error("request {} failed inside Relay", record.id(), e);
      answer.failed();
    }
  }

  /**
   * Runs the rest of the request on a thread of its own, which gets the resources. Afterwards the
   * calling thread must not touch the request.
   */
  void continueOnNewThread(RequestResources resources, Consumer<RequestResources> rest) {
    RequestResources moved = resources.transfer();
    try {
      client.continueOnNewThread(() -> run(moved, rest));
    } catch (RuntimeException | Error e) {
      moved.close();
      throw e;
    }
  }

  ClientExchange client() {
    return client;
  }

  Meters meters() {
    return meters;
  }

  BackgroundResponses background() {
    return background;
  }

  RequestRecord record() {
    return record;
  }

  /** Null without tracing. */
  @Nullable RequestTrace trace() {
    return trace;
  }

  Cancellation cancellation() {
    return cancellation;
  }

  ClientAnswer answer() {
    return answer;
  }

  /** Requests that were running when this one began. */
  int othersRunning() {
    return othersRunning;
  }

  /** Time until no further attempt may begin; not positive if none may begin now. */
  Duration timeLeft() {
    return ClientTimeout.of(client.header("x-stainless-timeout"), patience)
        .minusNanos(record.elapsedNanos());
  }
}
