package relay.pipeline;

import java.io.IOException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import relay.admission.Admitted;
import relay.model.Dialect;
import relay.model.RelayError;
import relay.upstream.UpstreamAnswer;

/** Why an answer that has begun is not completed. */
enum AnswerBreak {
  ERROR_EVENT,
  LOSS,
  SILENCE,
  STOP,
  BUDGET;

  /** Why a read of the answer failed. */
  static AnswerBreak of(RequestContext request, UpstreamAnswer answer) {
    if (request.cancellation().isOverBudget()) {
      return BUDGET;
    }
    if (request.cancellation().isCancelled()) {
      return STOP;
    }
    return answer.fellSilent() ? SILENCE : LOSS;
  }

  /**
   * Waits for the first byte of an answer's body. Before it nothing has gone to the client.
   *
   * @return null if it has come, or there is rightly none
   */
  static @Nullable AnswerBreak beforeBody(
      RequestContext request, UpstreamAnswer answer, boolean counted) {
    int status = answer.status();
    if (status == 204 || status == 304 || request.client().method().equals("HEAD")) {
      return null;
    }
    try {
      boolean needsBody = answer.contentLength() > 0 || (answer.isEventStream() && counted);
      return answer.awaitFirst() || !needsBody ? null : LOSS;
    } catch (IOException e) {
      return of(request, answer);
    }
  }

  /** The error for the client. */
  RelayError error(Dialect dialect) {
    return switch (this) {
      case BUDGET ->
          RelayError.overBudget(
              dialect, "a budget of the client with `hard: true` is spent: the answer ends here");
      case SILENCE ->
          RelayError.timeout("the provider sent nothing more for server.idle_timeout_ms");
      case STOP -> ClientAnswer.STOPPING;
      case LOSS, ERROR_EVENT -> RelayError.unreachable("the provider broke off its answer");
    };
  }

  /** Reports that an answer of which something has reached the client will not be complete. */
  void cut(RequestContext request, Admitted admitted) {
    request.record().broken(word());
    if (this == STOP) {
      request.meters().cutByStop(admitted.plan().route().name());
    }
    report(admitted);
  }

  private String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Reports a failure of a provider whose answer had counted as a success. */
  void report(Admitted admitted) {
    if (this != STOP && this != BUDGET) { // else it is not the provider's fault
      admitted.brokeOff(word());
    }
  }
}
