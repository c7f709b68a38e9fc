import com.anthropic.client.AnthropicClient;
import com.anthropic.client.okhttp.AnthropicOkHttpClient;
import com.anthropic.core.JsonValue;
import com.anthropic.core.http.StreamResponse;
import com.anthropic.errors.AnthropicServiceException;
import com.anthropic.helpers.MessageAccumulator;
import com.anthropic.models.messages.ContentBlockParam;
import com.anthropic.models.messages.Message;
import com.anthropic.models.messages.MessageCountTokensParams;
import com.anthropic.models.messages.MessageCreateParams;
import com.anthropic.models.messages.RawMessageStreamEvent;
import com.anthropic.models.messages.ToolResultBlockParam;
import com.anthropic.models.messages.ToolUseBlock;
import java.util.List;
import java.util.Map;

/** com.anthropic:anthropic-java. */
final class AnthropicJava implements Checks.Client {
  public static void main(String[] args) {
    Checks.run("anthropic-java", "claude", true, new AnthropicJava());
    Checks.scenario(
        "anthropic-java",
        "count_tokens",
        () ->
            client(Checks.asked("claude-any", false))
                .messages()
                .countTokens(
                    MessageCountTokensParams.builder()
                        .model("claude-any")
                        .addUserMessage("say hi")
                        .build())
                .inputTokens());
    System.exit(0); // the SDK's threads would keep the JVM for a minute
  }

  @Override
  public Map<String, Object> ask(Checks.Asked asked) {
    AnthropicClient client = client(asked);
    MessageCreateParams.Builder params =
        MessageCreateParams.builder().model(asked.model()).maxTokens(64).addUserMessage("say hi");
    if (asked.tools()) {
      params.putAdditionalBodyProperty(
          "tools",
          JsonValue.from(List.of(Map.of("name", "weather", "input_schema", Checks.TOOL_SCHEMA))));
    }
    Message first = send(client, params.build(), asked.stream());
    List<ToolUseBlock> calls =
        first.content().stream().flatMap(block -> block.toolUse().stream()).toList();
    if (calls.isEmpty()) {
      return read(first, List.of(), List.of(stop(first)));
    }
    params.addMessage(first);
    params.addUserMessageOfContentBlockParams(
        calls.stream()
            .map(
                call ->
                    ContentBlockParam.ofToolResult(
                        ToolResultBlockParam.builder()
                            .toolUseId(call.id())
                            .content(Checks.TOOL_ANSWER)
                            .build()))
            .toList());
    Message last = send(client, params.build(), asked.stream());
    return read(
        last,
        calls.stream().map(call -> call.name() + " " + call._input()).toList(),
        List.of(stop(first), stop(last)));
  }

  @Override
  public Map<String, Object> failed(Throwable error) {
    if (!(error instanceof AnthropicServiceException known)) {
      return Checks.members("class", error.getClass().getName(), "message", error.getMessage());
    }
    return Checks.members(
        "class",
        known.getClass().getName(),
        "status",
        known.statusCode(),
        "type",
        known.errorType().map(Object::toString).orElse(null),
        "message",
        known.getMessage(),
        "toldMs",
        Checks.toldMs(
            known.headers().values("retry-after-ms"), known.headers().values("retry-after")));
  }

  private static AnthropicClient client(Checks.Asked asked) {
    AnthropicOkHttpClient.Builder builder =
        AnthropicOkHttpClient.builder()
            .baseUrl(Checks.URL)
            .apiKey(asked.key())
            .maxRetries(asked.maxRetries());
    asked.headers().forEach(builder::putHeader);
    return builder.build();
  }

  private static Message send(AnthropicClient client, MessageCreateParams params, boolean stream) {
    if (!stream) {
      return client.messages().create(params);
    }
    MessageAccumulator message = MessageAccumulator.create();
    try (StreamResponse<RawMessageStreamEvent> events = client.messages().createStreaming(params)) {
      events.stream().forEach(message::accumulate);
    }
    return message.message();
  }

  private static String stop(Message message) {
    return message.stopReason().map(Object::toString).orElse("none");
  }

  private static Map<String, Object> read(Message message, List<?> calls, List<?> stop) {
    return Checks.answer(
        message.content().getFirst().asText().text(),
        calls,
        stop,
        message.usage().inputTokens(),
        message.usage().outputTokens());
  }
}
