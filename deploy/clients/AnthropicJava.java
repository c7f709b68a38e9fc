import com.anthropic.client.AnthropicClient;
import com.anthropic.client.okhttp.AnthropicOkHttpClient;
import com.anthropic.core.http.StreamResponse;
import com.anthropic.errors.AnthropicServiceException;
import com.anthropic.errors.RateLimitException;
import com.anthropic.errors.UnauthorizedException;
import com.anthropic.helpers.MessageAccumulator;
import com.anthropic.models.messages.Message;
import com.anthropic.models.messages.MessageCreateParams;
import com.anthropic.models.messages.RawMessageStreamEvent;

/** com.anthropic:anthropic-java: the same checks as in checks.mjs. */
final class AnthropicJava {
  private static final String CLIENT = "anthropic-java";
  private static final String SCARCE = "claude-scarce";

  interface Check {
    void run() throws Exception;
  }

  public static void main(String[] args) {
    AnthropicClient client = client(System.getenv("RELAY_KEY"), 0);
    check("JSON", () -> right(ask(client, "claude-any", false), "A simulated answer."));
    check("stream", () -> right(ask(client, "claude-any", true), "some more words ".repeat(5)));
    for (boolean stream : new boolean[] {false, true}) {
      String suffix = stream ? " stream" : "";
      AnthropicClient stranger = client("not-a-client", 0);
      check(
          "401" + suffix,
          () -> {
            AnthropicServiceException error = failure(stranger, "claude-any", stream);
            require(error instanceof UnauthorizedException, error);
            require(error.getMessage().contains("no client of Relay has this key"), error);
          });
      check(
          "429" + suffix,
          () -> {
            AnthropicServiceException error = refusal(client, stream);
            require(error instanceof RateLimitException, error);
            long waitMs = header(error, "retry-after-ms");
            long waitSeconds = header(error, "retry-after");
            require(waitMs > 0 && waitSeconds == Math.ceilDiv(waitMs, 1000L), error.headers());
          });
      check(
          "retry" + suffix,
          () -> {
            AnthropicClient patient = client(System.getenv("RELAY_KEY"), 2);
            long waitMs = header(refusal(client, stream), "retry-after-ms");
            long askedAt = System.nanoTime();
            ask(patient, SCARCE, stream);
            long tookMs = (System.nanoTime() - askedAt) / 1_000_000;
            // Two retries at times of the SDK's own choice would be over after some 1.5 s, in vain;
            // retry-after alone, in whole seconds, would make it wait some 700 ms longer.
            require(
                tookMs > waitMs - 500 && tookMs < waitMs + 500,
                "took " + tookMs + " ms, retry-after-ms was " + waitMs);
          });
    }
    System.exit(0); // the SDK's threads would keep the JVM for a minute
  }

  private static AnthropicClient client(String key, int maxRetries) {
    return AnthropicOkHttpClient.builder()
        .baseUrl(System.getenv("RELAY_URL"))
        .apiKey(key)
        .maxRetries(maxRetries)
        .putHeader("x-sim-input-tokens", "123")
        .putHeader("x-sim-output-tokens", "45")
        .build();
  }

  private static Message ask(AnthropicClient client, String model, boolean stream) {
    MessageCreateParams params =
        MessageCreateParams.builder().model(model).maxTokens(64).addUserMessage("say hi").build();
    if (!stream) {
      return client.messages().create(params);
    }
    MessageAccumulator message = MessageAccumulator.create();
    try (StreamResponse<RawMessageStreamEvent> events = client.messages().createStreaming(params)) {
      events.stream().forEach(message::accumulate);
    }
    return message.message();
  }

  private static void right(Message message, String text) {
    require(message.content().getFirst().asText().text().equals(text), message);
    require(message.usage().inputTokens() == 123, message.usage());
    require(message.usage().outputTokens() == 45, message.usage());
  }

  /** What a request meets right after another took the window's only place. */
  private static AnthropicServiceException refusal(AnthropicClient client, boolean stream) {
    ask(client(System.getenv("RELAY_KEY"), 5), SCARCE, false);
    return failure(client, SCARCE, stream);
  }

  private static AnthropicServiceException failure(
      AnthropicClient client, String model, boolean stream) {
    try {
      ask(client, model, stream);
    } catch (AnthropicServiceException e) {
      return e;
    }
    throw new AssertionError("no error");
  }

  private static long header(AnthropicServiceException error, String name) {
    return Long.parseLong(error.headers().values(name).getFirst());
  }

  private static void require(boolean holds, Object otherwise) {
    if (!holds) {
      throw new AssertionError(String.valueOf(otherwise));
    }
  }

  private static void check(String what, Check check) {
    try {
      check.run();
      System.out.println(CLIENT + "|" + what + "|ok");
    } catch (Exception | AssertionError e) {
      System.out.println(CLIENT + "|" + what + "|FAILED");
      System.err.println(CLIENT + ", " + what + ":");
      e.printStackTrace();
    }
  }
}
