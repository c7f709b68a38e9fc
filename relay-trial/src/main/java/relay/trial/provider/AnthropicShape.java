package relay.trial.provider;

import io.undertow.util.HeaderMap;
import io.undertow.util.HttpString;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;
import relay.trial.provider.AccountLedger.Gauge;
import relay.trial.provider.AccountLedger.Gauges;

/**
 * The Messages API: its events in their order (message_start, content_block_start, ping,
 * content_block_delta …, content_block_stop, message_delta, message_stop), its errors and its
 * headers.
 */
final class AnthropicShape implements AnswerShape {
  private static final int BEFORE_CONTENT = 3;
  private static final int AFTER_CONTENT = 3;
  private static final String CONTENT =
      event(
          "content_block_delta",
          "{\"type\":\"content_block_delta\",\"index\":0,"
              + "\"delta\":{\"type\":\"text_delta\",\"text\":\"some more words \"}}");

  private record Names(HttpString limit, HttpString remaining, HttpString reset) {
    private static Names of(String kind) {
      String prefix = "anthropic-ratelimit-" + kind;
      return new Names(
          new HttpString(prefix + "-limit"),
          new HttpString(prefix + "-remaining"),
          new HttpString(prefix + "-reset"));
    }
  }

  private static final Names REQUESTS = Names.of("requests");
  private static final Names INPUT = Names.of("input-tokens");
  private static final Names OUTPUT = Names.of("output-tokens");
  private static final Names TOKENS = Names.of("tokens");

  @Override
  public String json(String id, RequestFields fields, long inputTokens, long outputTokens) {
    return "{\"id\":\"msg_"
        + id
        + "\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"
        + AnswerShape.quote(fields.model())
        + ",\"content\":["
        + (fields.call() == null
            ? "{\"type\":\"text\",\"text\":\"A simulated answer.\"}"
            : toolUse(id, fields.call(), fields.call().input()))
        + "],\"stop_reason\":\""
        + stopReason(fields)
        + "\",\"stop_sequence\":null,\"usage\":"
        + usage(inputTokens, outputTokens)
        + "}";
  }

  @Override
  public int eventCount(int contentEvents, RequestFields fields) {
    return BEFORE_CONTENT + contentEvents + AFTER_CONTENT;
  }

  @Override
  public String event(
      int index, int contentEvents, String id, RequestFields fields, Script script) {
    if (index >= BEFORE_CONTENT && index < BEFORE_CONTENT + contentEvents) {
      return fields.call() == null
          ? CONTENT
          : event(
              "content_block_delta",
              "{\"type\":\"content_block_delta\",\"index\":0,"
                  + "\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":"
                  + AnswerShape.quote(fields.call().piece(index - BEFORE_CONTENT, contentEvents))
                  + "}}");
    }
    return switch (index < BEFORE_CONTENT ? index : index - contentEvents) {
      case 0 -> messageStart(id, fields, script.inputTokens());
      case 1 ->
          event(
              "content_block_start",
              "{\"type\":\"content_block_start\",\"index\":0,"
                  + "\"content_block\":"
                  + (fields.call() == null
                      ? "{\"type\":\"text\",\"text\":\"\"}"
                      : toolUse(id, fields.call(), "{}"))
                  + "}");
      case 2 -> event("ping", "{\"type\": \"ping\"}");
      case 3 -> event("content_block_stop", "{\"type\":\"content_block_stop\",\"index\":0}");
      case 4 ->
          event(
              "message_delta",
              "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\""
                  + stopReason(fields)
                  + "\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":"
                  + script.outputTokens()
                  + "}}");
      case 5 -> event("message_stop", "{\"type\":\"message_stop\"}");
      default -> throw new IllegalArgumentException("no event " + index);
    };
  }

  private static String toolUse(String id, ToolCall call, String input) {
    return "{\"type\":\"tool_use\",\"id\":\"toolu_"
        + id
        + "\",\"name\":"
        + AnswerShape.quote(call.name())
        + ",\"input\":"
        + input
        + "}";
  }

  private static String stopReason(RequestFields fields) {
    return fields.call() == null ? "end_turn" : "tool_use";
  }

  private static String messageStart(String id, RequestFields fields, long inputTokens) {
    return event(
        "message_start",
        "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_"
            + id
            + "\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"
            + AnswerShape.quote(fields.model())
            + ",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":"
            + usage(inputTokens, 1)
            + "}}");
  }

  @Override
  public int contentEventsThrough(int index, int contentEvents, RequestFields fields) {
    return Math.clamp(index - BEFORE_CONTENT + 1, 0, contentEvents);
  }

  @Override
  public String errorEvent() {
    return event(
        "error",
        "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}");
  }

  @Override
  public String error(int status, String message, String id) {
    return error(typeOf(status), message, "", id);
  }

  @Override
  public String limited(@Nullable String dimension, String id) {
    if (dimension == null) {
      return error(
          "rate_limit_error",
          "You have reached your specified API usage limits.",
          ",\"details\":{\"error_code\":\"enforced_spend_limit_reached\"}",
          id);
    }
    return error(
        "rate_limit_error",
        "This request would exceed your account's rate limit of " + dimension + " per minute.",
        "",
        id);
  }

  @Override
  public String idHeader() {
    return "request-id";
  }

  @Override
  public void addLimits(HeaderMap headers, Gauges gauges, Instant now) {
    tell(headers, REQUESTS, gauges.requests(), gauges.requests().remaining(), now);
    tell(headers, INPUT, gauges.input(), rounded(gauges.input().remaining()), now);
    tell(headers, OUTPUT, gauges.output(), rounded(gauges.output().remaining()), now);
    tell(headers, TOKENS, gauges.total(), rounded(gauges.total().remaining()), now);
  }

  @Override
  public long outputUpFront(RequestFields fields) {
    return 0; // max_tokens is not charged
  }

  private static void tell(
      HeaderMap headers, Names names, Gauge gauge, long remaining, Instant now) {
    if (gauge.limit() > 0) {
      headers.put(names.limit, gauge.limit());
      headers.put(names.remaining, remaining);
      Instant full = now.plusNanos(gauge.fullNanos() + 999_999_999).truncatedTo(ChronoUnit.SECONDS);
      headers.put(names.reset, full.toString());
    }
  }

  /** The real provider rounds remaining tokens to the nearest thousand. */
  private static long rounded(long tokens) {
    return tokens > Long.MAX_VALUE - 500 ? tokens : (tokens + 500) / 1000 * 1000;
  }

  private static String error(String type, String message, String more, String id) {
    return "{\"type\":\"error\",\"error\":{\"type\":\""
        + type
        + "\",\"message\":"
        + AnswerShape.quote(message)
        + more
        + "},\"request_id\":\"req_"
        + id
        + "\"}";
  }

  private static String typeOf(int status) {
    return switch (status) {
      case 400 -> "invalid_request_error";
      case 401 -> "authentication_error";
      case 403 -> "permission_error";
      case 404 -> "not_found_error";
      case 429 -> "rate_limit_error";
      case 503, 529 -> "overloaded_error";
      default -> "api_error";
    };
  }

  private static String usage(long inputTokens, long outputTokens) {
    return "{\"input_tokens\":"
        + inputTokens
        + ",\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"output_tokens\":"
        + outputTokens
        + "}";
  }

  private static String event(String name, String data) {
    return "event: " + name + "\ndata: " + data + "\n\n";
  }
}
