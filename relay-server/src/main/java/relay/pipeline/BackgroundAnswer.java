package relay.pipeline;

import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import relay.admission.Admitted;
import relay.admission.Failure;
import relay.admission.RequestPlan;
import relay.model.Dialect;
import relay.model.Endpoint;
import relay.redis.Pins;
import relay.stream.ResponseState;
import relay.stream.UsageScanner;

/**
 * The answer to a request that makes a response, or that asks for one, cancels or deletes it: what
 * it shows of a response that runs in the background.
 */
final class BackgroundAnswer {
  private static final Pattern ONE = Pattern.compile("/v1/responses/([^/]+)(/cancel)?");

  private final RequestContext request;
  private final Admitted admitted;
  private final RequestPlan plan;
  private final String asked; // the response's id; empty if the request makes one
  private boolean hasKept;
  private CompletableFuture<?> told = CompletableFuture.completedFuture(true);

  private BackgroundAnswer(RequestContext request, Admitted admitted, String asked) {
    this.request = request;
    this.admitted = admitted;
    plan = admitted.plan();
    this.asked = asked;
  }

  /** Null for other requests, and where no request can ask for a response. */
  static @Nullable BackgroundAnswer of(
      RequestContext request, ParsedRequest parsed, Admitted admitted) {
    RequestPlan plan = admitted.plan();
    boolean makes = parsed.endpoint() == Endpoint.RESPONSES;
    if (!plan.route().api().config().passthrough()
        || plan.dialect() != Dialect.OPENAI
        || !(makes || plan.unread())) {
      return null;
    }
    String id = makes ? "" : asked(request.client().method(), request.client().target());
    return id == null ? null : new BackgroundAnswer(request, admitted, id);
  }

  private static @Nullable String asked(String method, String target) {
    Matcher one = ONE.matcher(TargetPath.of(target));
    boolean fits =
        one.matches()
            && switch (method) {
              case "GET", "DELETE" -> one.group(2) == null;
              case "POST" -> one.group(2) != null;
              default -> false;
            };
    return fits ? one.group(1) : null;
  }

  /** Whether the request asks for a response, cancels or deletes it. */
  boolean isOfKnown() {
    return !asked.isEmpty();
  }

  /**
   * The answer has ended and its response runs on: its lease is kept, with the client's quota.
   * False if it does not run on, or too many are kept.
   *
   * @param events whether the answer was a stream: one that is cut off ends the response, unless
   *     the answer says that it is in the background
   */
  boolean keeps(UsageScanner answer, boolean events) {
    ResponseState state = answer.response();
    if (isOfKnown()
        || !state.runs()
        || state.id().isEmpty()
        || (events ? !state.background().equals("true") : state.background().equals("false"))) {
      return false;
    }
    CompletableFuture<?> begun =
        request.background().hold(id(state.id()), plan.route().pins(), admitted.outliving());
    if (begun == null) {
      return false;
    }
    hasKept = true;
    told = begun;
    admitted.handOver();
    return true;
  }

  /** Whether {@link #keeps} kept the lease. */
  boolean hasKept() {
    return hasKept;
  }

  private BackgroundResponses.Id id(String response) {
    return new BackgroundResponses.Id(
        plan.route().name(), Failure.accountOf(admitted.lease()), Pins.hash(response));
  }

  /** Tells the holder of the response's lease what the answer showed, if it may have one. */
  void saw(UsageScanner answer, int status) {
    String word = isOfKnown() ? word(answer, status) : null;
    if (word != null) {
      told = request.background().saw(id(asked), plan.route().pins(), word);
    }
  }

  private @Nullable String word(UsageScanner answer, int status) {
    boolean deleted = request.client().method().equals("DELETE") && status < 300;
    // a query or a header of the client may be why nothing is found
    boolean gone =
        status == 404
            && request.client().target().indexOf('?') < 0
            && plan.route().api().config().clientHeaders().named().isEmpty();
    if (deleted || gone) {
      return BackgroundResponses.over(null);
    }
    ResponseState state = answer.response();
    if (status >= 300 || !state.id().equals(asked) || state.background().equals("false")) {
      return null;
    }
    if (state.isOver()) {
      return BackgroundResponses.over(answer.reported() ? answer.usage() : null);
    }
    return state.runs() ? BackgroundResponses.running() : null;
  }

  /** Completes when Redis has what this answer showed, or cannot be asked. */
  CompletableFuture<?> told() {
    return told;
  }
}
