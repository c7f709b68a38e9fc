import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.OpenAIServiceException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.helpers.ResponseAccumulator;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionMessageFunctionToolCall;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.chat.completions.ChatCompletionToolMessageParam;
import com.openai.models.responses.EasyInputMessage;
import com.openai.models.responses.Response;
import com.openai.models.responses.ResponseCreateParams;
import com.openai.models.responses.ResponseFunctionToolCall;
import com.openai.models.responses.ResponseInputItem;
import com.openai.models.responses.ResponseStreamEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** com.openai:openai-java: Chat Completions and Responses. */
abstract class OpenAiJava implements Checks.Client {
  public static void main(String[] args) {
    Checks.run("openai-java chat", "gpt", true, new Chat());
    Checks.run("openai-java responses", "gpt", true, new Responses());
    System.exit(0); // the SDK's threads would keep the JVM for a minute
  }

  static final class Chat extends OpenAiJava {
    @Override
    public Map<String, Object> ask(Checks.Asked asked) {
      OpenAIClient client = client(asked);
      ChatCompletionCreateParams.Builder params =
          ChatCompletionCreateParams.builder().model(asked.model()).addUserMessage("say hi");
      if (asked.tools()) {
        Map<String, Object> function = Map.of("name", "weather", "parameters", Checks.TOOL_SCHEMA);
        params.putAdditionalBodyProperty(
            "tools", JsonValue.from(List.of(Map.of("type", "function", "function", function))));
      }
      ChatCompletion first = send(client, params, asked.stream());
      List<ChatCompletionMessageFunctionToolCall> calls =
          first.choices().getFirst().message().toolCalls().orElse(List.of()).stream()
              .map(call -> call.asFunction())
              .toList();
      if (calls.isEmpty()) {
        return read(first, List.of(), List.of(stop(first)));
      }
      params.addMessage(first.choices().getFirst().message());
      calls.forEach(
          call ->
              params.addMessage(
                  ChatCompletionToolMessageParam.builder()
                      .toolCallId(call.id())
                      .content(Checks.TOOL_ANSWER)
                      .build()));
      ChatCompletion last = send(client, params, asked.stream());
      return read(
          last,
          calls.stream()
              .map(call -> call.function().name() + " " + call.function().arguments())
              .toList(),
          List.of(stop(first), stop(last)));
    }

    private static ChatCompletion send(
        OpenAIClient client, ChatCompletionCreateParams.Builder params, boolean stream) {
      if (!stream) {
        return client.chat().completions().create(params.build());
      }
      params.streamOptions(ChatCompletionStreamOptions.builder().includeUsage(true).build());
      ChatCompletionAccumulator answer = ChatCompletionAccumulator.create();
      try (StreamResponse<ChatCompletionChunk> chunks =
          client.chat().completions().createStreaming(params.build())) {
        chunks.stream().forEach(answer::accumulate);
      }
      return answer.chatCompletion();
    }

    private static String stop(ChatCompletion answer) {
      return answer.choices().getFirst().finishReason().toString();
    }

    private static Map<String, Object> read(ChatCompletion answer, List<?> calls, List<?> stop) {
      return Checks.answer(
          answer.choices().getFirst().message().content().orElse(null),
          calls,
          stop,
          answer.usage().orElseThrow().promptTokens(),
          answer.usage().orElseThrow().completionTokens());
    }
  }

  static final class Responses extends OpenAiJava {
    @Override
    public Map<String, Object> ask(Checks.Asked asked) {
      OpenAIClient client = client(asked);
      List<ResponseInputItem> input = new ArrayList<>();
      input.add(
          ResponseInputItem.ofEasyInputMessage(
              EasyInputMessage.builder()
                  .role(EasyInputMessage.Role.USER)
                  .content("say hi")
                  .build()));
      ResponseCreateParams.Builder params = ResponseCreateParams.builder().model(asked.model());
      if (asked.tools()) {
        Map<String, Object> tool =
            Map.of("type", "function", "name", "weather", "parameters", Checks.TOOL_SCHEMA);
        params.putAdditionalBodyProperty("tools", JsonValue.from(List.of(tool)));
      }
      Response first = send(client, params.inputOfResponse(input), asked.stream());
      List<ResponseFunctionToolCall> calls =
          first.output().stream().flatMap(item -> item.functionCall().stream()).toList();
      if (calls.isEmpty()) {
        return read(first, List.of(), List.of(stop(first)));
      }
      for (ResponseFunctionToolCall call : calls) {
        input.add(ResponseInputItem.ofFunctionCall(call));
        input.add(
            ResponseInputItem.ofFunctionCallOutput(
                ResponseInputItem.FunctionCallOutput.builder()
                    .callId(call.callId())
                    .output(Checks.TOOL_ANSWER)
                    .build()));
      }
      Response last = send(client, params.inputOfResponse(input), asked.stream());
      return read(
          last,
          calls.stream().map(call -> call.name() + " " + call.arguments()).toList(),
          List.of(stop(first), stop(last)));
    }

    private static Response send(
        OpenAIClient client, ResponseCreateParams.Builder params, boolean stream) {
      if (!stream) {
        return client.responses().create(params.build());
      }
      ResponseAccumulator answer = ResponseAccumulator.create();
      try (StreamResponse<ResponseStreamEvent> events =
          client.responses().createStreaming(params.build())) {
        events.stream().forEach(answer::accumulate);
      }
      return answer.response();
    }

    private static String stop(Response answer) {
      return answer.status().orElseThrow().toString();
    }

    private static Map<String, Object> read(Response answer, List<?> calls, List<?> stop) {
      return Checks.answer(
          answer.output().getFirst().asMessage().content().getFirst().asOutputText().text(),
          calls,
          stop,
          answer.usage().orElseThrow().inputTokens(),
          answer.usage().orElseThrow().outputTokens());
    }
  }

  @Override
  public Map<String, Object> failed(Throwable error) {
    if (!(error instanceof OpenAIServiceException known)) {
      return Checks.members("class", error.getClass().getName(), "message", error.getMessage());
    }
    return Checks.members(
        "class",
        known.getClass().getName(),
        "status",
        known.statusCode(),
        "type",
        known.type().orElse(null),
        "code",
        known.code().orElse(null),
        "message",
        known.getMessage(),
        "toldMs",
        Checks.toldMs(
            known.headers().values("retry-after-ms"), known.headers().values("retry-after")));
  }

  static OpenAIClient client(Checks.Asked asked) {
    OpenAIOkHttpClient.Builder builder =
        OpenAIOkHttpClient.builder()
            .baseUrl(Checks.URL + "/v1")
            .apiKey(asked.key())
            .maxRetries(asked.maxRetries());
    asked.headers().forEach(builder::putHeader);
    return builder.build();
  }
}
