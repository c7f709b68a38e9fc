import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.HttpException;
import dev.langchain4j.model.anthropic.AnthropicChatModel;
import dev.langchain4j.model.anthropic.AnthropicStreamingChatModel;
import dev.langchain4j.model.anthropic.AnthropicTokenCountEstimator;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/** LangChain4j with its modules for both dialects. It has times of its own for retries. */
abstract class LangChain4j implements Checks.Client {
  public static void main(String[] args) {
    Checks.run("langchain4j-anthropic", "claude", false, new OfAnthropic());
    Checks.scenario(
        "langchain4j-anthropic",
        "count_tokens",
        () ->
            // It takes no header for the script, so the provider counts the bytes.
            AnthropicTokenCountEstimator.builder()
                .baseUrl(Checks.URL + "/v1")
                .apiKey(Checks.KEY)
                .modelName("claude-any")
                .build()
                .estimateTokenCountInText("say hi"));
    Checks.run("langchain4j-open-ai", "gpt", false, new OfOpenAi());
    System.exit(0);
  }

  abstract ChatModel model(Checks.Asked asked);

  abstract StreamingChatModel streamingModel(Checks.Asked asked);

  static final class OfAnthropic extends LangChain4j {
    @Override
    ChatModel model(Checks.Asked asked) {
      return AnthropicChatModel.builder()
          .baseUrl(Checks.URL + "/v1")
          .apiKey(asked.key())
          .modelName(asked.model())
          .maxTokens(64)
          .maxRetries(asked.maxRetries())
          .customHeaders(asked.headers())
          .build();
    }

    @Override
    StreamingChatModel streamingModel(Checks.Asked asked) {
      return AnthropicStreamingChatModel.builder()
          .baseUrl(Checks.URL + "/v1")
          .apiKey(asked.key())
          .modelName(asked.model())
          .maxTokens(64)
          .customHeaders(asked.headers())
          .build();
    }
  }

  static final class OfOpenAi extends LangChain4j {
    @Override
    ChatModel model(Checks.Asked asked) {
      return OpenAiChatModel.builder()
          .baseUrl(Checks.URL + "/v1")
          .apiKey(asked.key())
          .modelName(asked.model())
          .maxRetries(asked.maxRetries())
          .customHeaders(asked.headers())
          .build();
    }

    @Override
    StreamingChatModel streamingModel(Checks.Asked asked) {
      return OpenAiStreamingChatModel.builder()
          .baseUrl(Checks.URL + "/v1")
          .apiKey(asked.key())
          .modelName(asked.model())
          .customHeaders(asked.headers())
          .build();
    }
  }

  @Override
  public Map<String, Object> ask(Checks.Asked asked) throws Exception {
    List<ChatMessage> messages = new ArrayList<>(List.of(UserMessage.from("say hi")));
    ChatResponse first = send(asked, messages);
    if (!first.aiMessage().hasToolExecutionRequests()) {
      return read(first, List.of(), List.of(first.finishReason()));
    }
    List<ToolExecutionRequest> calls = first.aiMessage().toolExecutionRequests();
    messages.add(first.aiMessage());
    calls.forEach(call -> messages.add(ToolExecutionResultMessage.from(call, Checks.TOOL_ANSWER)));
    ChatResponse last = send(asked, messages);
    return read(
        last,
        calls.stream().map(call -> call.name() + " " + call.arguments()).toList(),
        List.of(first.finishReason(), last.finishReason()));
  }

  private ChatResponse send(Checks.Asked asked, List<ChatMessage> messages) throws Exception {
    ChatRequest.Builder request = ChatRequest.builder().messages(messages);
    if (asked.tools()) {
      request.toolSpecifications(
          ToolSpecification.builder()
              .name("weather")
              .parameters(
                  JsonObjectSchema.builder().addStringProperty("city").required("city").build())
              .build());
    }
    if (!asked.stream()) {
      return model(asked).chat(request.build());
    }
    CompletableFuture<ChatResponse> answer = new CompletableFuture<>();
    streamingModel(asked)
        .chat(
            request.build(),
            new StreamingChatResponseHandler() {
              @Override
              public void onCompleteResponse(ChatResponse response) {
                answer.complete(response);
              }

              @Override
              public void onError(Throwable error) {
                answer.completeExceptionally(error);
              }
            });
    return answer.get(30, TimeUnit.SECONDS);
  }

  @Override
  public Map<String, Object> failed(Throwable error) {
    Throwable told = error instanceof ExecutionException ? error.getCause() : error;
    Throwable cause = told;
    while (cause.getCause() != null && !(cause instanceof HttpException)) {
      cause = cause.getCause();
    }
    return Checks.members(
        "class",
        told.getClass().getName(),
        "status",
        cause instanceof HttpException http ? http.statusCode() : null,
        "message",
        told.getMessage());
  }

  private static Map<String, Object> read(ChatResponse answer, List<?> calls, List<?> stop) {
    return Checks.answer(
        answer.aiMessage().text(),
        calls,
        stop,
        answer.tokenUsage().inputTokenCount(),
        answer.tokenUsage().outputTokenCount());
  }
}
