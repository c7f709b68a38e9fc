package relay.pipeline;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.admission.Cancellation;
import relay.admission.RequestRecord;
import relay.logging.RequestLog;
import relay.metrics.Meters;
import relay.model.LeasePath;
import relay.trace.RequestTrace;
import relay.trace.Tracing;

/** One request: its client, its record, its cancellation and its answer. */
final class RequestContext {
  private static final Logger log = LoggerFactory.getLogger(RequestContext.class);

  private final ClientExchange client;
  private final Meters meters;
  private final BackgroundResponses background;
  private final RequestRecord record;
  private final Cancellation cancellation = new Cancellation();
  private final ClientAnswer answer;
  private final int othersRunning;
  private final @Nullable LeasePath leasePath;

  /**
   * @param tracing null if requests are not traced
   * @param running counts it already
   * @param othersRunning how many requests of the replica were running before it
   */
  RequestContext(
      ClientExchange client,
      Meters meters,
      BackgroundResponses background,
      @Nullable Tracing tracing,
      RequestLog requestLog,
      RunningRequests running,
      int othersRunning) {
    this.client = client;
    this.meters = meters;
    this.background = background;
    record = new RequestRecord(RequestIds.next(), meters, requestLog);
    answer = new ClientAnswer(client, record, cancellation, running);
    this.othersRunning = othersRunning;
    leasePath = LeasePath.of(TargetPath.of(client.target()));
    if (leasePath != null) {
      record.leaseCall(leasePath.call(client.method()), LeasePath.shortened(leasePath.id()));
    }
    if (tracing != null) {
      record.traceBy(tracing.begin(record.id(), client.method(), client.target(), client::headers));
    }
  }

  /** Runs the request. An error inside Relay ends it, and is logged. */
  void run(Consumer<RequestResources> work) {
    run(new RequestResources(), work);
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

  /** Null if it is no call about leases. */
  @Nullable LeasePath leasePath() {
    return leasePath;
  }

  RequestRecord record() {
    return record;
  }

  /** Null without tracing. */
  @Nullable RequestTrace trace() {
    return record.trace();
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
}
