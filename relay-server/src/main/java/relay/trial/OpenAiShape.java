package relay.trial;

import io.undertow.util.HeaderMap;
import io.undertow.util.HttpString;
import java.time.Instant;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import relay.trial.AccountLedger.Gauge;
import relay.trial.AccountLedger.Gauges;

/** The Chat Completions API: chunks, the usage chunk where it was asked for, {@code [DONE]}. */
final class OpenAiShape implements AnswerShape {
  private static final long CREATED = 1_760_000_000;

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
  public String json(String id, AskedBody asked, long inputTokens, long outputTokens) {
    return head(id, "chat.completion", asked)
        + "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
        + "\"content\":\"A simulated answer.\",\"refusal\":null},\"logprobs\":null,"
        + "\"finish_reason\":\"stop\"}],\"usage\":"
        + usage(inputTokens, outputTokens)
        + "}";
  }

  @Override
  public int eventCount(int contentEvents, AskedBody asked) {
    return 1 + contentEvents + 1 + (asked.includeUsage() ? 1 : 0) + 1; // role, …, stop, usage, DONE
  }

  @Override
  public String event(int index, int contentEvents, String id, AskedBody asked, Script script) {
    if (index == eventCount(contentEvents, asked) - 1) {
      return "data: [DONE]\n\n";
    }
    if (index == 0) {
      return chunk(id, asked, "{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}", "null");
    }
    if (index <= contentEvents) {
      return chunk(id, asked, "{\"content\":\"some more words \"}", "null");
    }
    if (index == contentEvents + 1) {
      return chunk(id, asked, "{}", "\"stop\"");
    }
    return "data: "
        + head(id, "chat.completion.chunk", asked)
        + "\"choices\":[],\"usage\":"
        + usage(script.inputTokens(), script.outputTokens())
        + "}\n\n";
  }

  @Override
  public int contentEventsThrough(int index, int contentEvents) {
    return Math.clamp(index, 0, contentEvents);
  }

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
  public void tellLimits(HeaderMap headers, Gauges gauges, Instant now) {
    tell(headers, REQUESTS, gauges.requests());
    tell(headers, TOKENS, gauges.total().limit() > 0 ? gauges.total() : gauges.input());
  }

  @Override
  public long outputUpFront(AskedBody asked) {
    return asked.maxTokens();
  }

  /** A duration as the provider writes it: {@code 6m0s}, {@code 1.5s}, {@code 20ms}. */
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

  private static String chunk(String id, AskedBody asked, String delta, String finishReason) {
    return "data: "
        + head(id, "chat.completion.chunk", asked)
        + "\"choices\":[{\"index\":0,\"delta\":"
        + delta
        + ",\"logprobs\":null,\"finish_reason\":"
        + finishReason
        + (asked.includeUsage() ? "}],\"usage\":null}\n\n" : "}]}\n\n");
  }

  private static String head(String id, String object, AskedBody asked) {
    return "{\"id\":\"chatcmpl-"
        + id
        + "\",\"object\":\""
        + object
        + "\",\"created\":"
        + CREATED
        + ",\"model\":"
        + AnswerShape.quote(asked.model())
        + ",\"service_tier\":\"default\",";
  }

  private static String usage(long inputTokens, long outputTokens) {
    return "{\"prompt_tokens\":"
        + inputTokens
        + ",\"completion_tokens\":"
        + outputTokens
        + ",\"total_tokens\":"
        + (inputTokens + outputTokens)
        + ",\"prompt_tokens_details\":{\"cached_tokens\":0}}";
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
