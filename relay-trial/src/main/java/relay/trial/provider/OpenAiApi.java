package relay.trial.provider;

import io.undertow.util.HeaderMap;
import io.undertow.util.HttpString;
import java.time.Instant;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import relay.trial.provider.AccountLedger.Gauge;
import relay.trial.provider.AccountLedger.Gauges;

/** The errors and limits of the OpenAI API, shared by all endpoints. */
abstract sealed class OpenAiApi implements AnswerShape
    permits OpenAiShape, ResponsesShape, EmbeddingsShape {
  static final long CREATED = 1_760_000_000;

  private record Names(HttpString limit, HttpString remaining, HttpString reset) {
    private static Names of(String kind) {
      return new Names(
          new HttpString("x-ratelimit-limit-" + kind),
          new HttpString("x-ratelimit-remaining-" + kind),
          new HttpString("x-ratelimit-reset-" + kind));
    }
  }

  private static final Names REQUESTS = Names.of("requests");
  private static final Names TOKENS = Names.of("tokens");

  @Override
  public String errorEvent() {
    return "data: {\"error\":{\"message\":\"The server had an error while processing your"
        + " request.\",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n";
  }

  @Override
  public String error(int status, String message, String id) {
    return switch (status) {
      case 401 -> error(message, "invalid_request_error", "\"invalid_api_key\"");
      case 400, 403, 404 -> error(message, "invalid_request_error", "null");
      default -> error(message, "server_error", "null");
    };
  }

  @Override
  public String limited(@Nullable String dimension, String id) {
    if (dimension == null) {
      return error(
          "You exceeded your current quota, please check your plan and billing details.",
          "insufficient_quota",
          "\"insufficient_quota\"");
    }
    return error(
        "Rate limit reached for organization on " + dimension + " per min.",
        dimension.equals("requests") ? "requests" : "tokens",
        "\"rate_limit_exceeded\"");
  }

  @Override
  public String idHeader() {
    return "x-request-id";
  }

  @Override
  public void addLimits(HeaderMap headers, Gauges gauges, Instant now) {
    tell(headers, REQUESTS, gauges.requests());
    tell(headers, TOKENS, gauges.total().limit() > 0 ? gauges.total() : gauges.input());
  }

  @Override
  public long outputUpFront(RequestFields fields) {
    return fields.maxTokens();
  }

  /** A duration in the format of the provider: {@code 6m0s}, {@code 1.5s}, {@code 20ms}. */
  static String duration(long nanos) {
    long millis = Math.ceilDiv(nanos, 1_000_000L);
    if (millis < 1000) {
      return millis + "ms";
    }
    long minutes = millis / 60_000;
    String seconds =
        String.format(Locale.ROOT, "%.3f", millis % 60_000 / 1000.0).replaceAll("\\.?0+$", "")
            + "s";
    return minutes == 0 ? seconds : minutes + "m" + seconds;
  }

  private static void tell(HeaderMap headers, Names names, Gauge gauge) {
    if (gauge.limit() > 0) {
      headers.put(names.limit, gauge.limit());
      headers.put(names.remaining, gauge.remaining());
      headers.put(names.reset, duration(gauge.fullNanos()));
    }
  }

  private static String error(String message, String type, String code) {
    return "{\"error\":{\"message\":"
        + AnswerShape.quote(message)
        + ",\"type\":\""
        + type
        + "\",\"param\":null,\"code\":"
        + code
        + "}}";
  }
}
