package relay.trial.provider;

/** The Chat Completions API: chunks, the usage chunk on request, {@code [DONE]}. */
final class OpenAiShape extends OpenAiApi {
  @Override
  public String json(String id, RequestFields fields, long inputTokens, long outputTokens) {
    return head(id, "chat.completion", fields)
        + "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
        + (fields.call() == null
            ? "\"content\":\"A simulated answer.\""
            : "\"content\":null," + toolCalls(function(id, fields.call(), fields.call().input())))
        + ",\"refusal\":null},\"logprobs\":null,\"finish_reason\":"
        + finishReason(fields)
        + "}],\"usage\":"
        + usage(inputTokens, outputTokens)
        + "}";
  }

  @Override
  public int eventCount(int contentEvents, RequestFields fields) {
    return 1
        + contentEvents
        + 1
        + (fields.includeUsage() ? 1 : 0)
        + 1; // role, …, stop, usage, DONE
  }

  @Override
  public String event(
      int index, int contentEvents, String id, RequestFields fields, Script script) {
    if (index == eventCount(contentEvents, fields) - 1) {
      return "data: [DONE]\n\n";
    }
    if (index == 0) {
      String content =
          fields.call() == null
              ? "\"content\":\"\""
              : "\"content\":null," + toolCalls("\"index\":0," + function(id, fields.call(), ""));
      return chunk(id, fields, "{\"role\":\"assistant\"," + content + ",\"refusal\":null}", "null");
    }
    if (index <= contentEvents) {
      String content =
          fields.call() == null
              ? "\"content\":\"some more words \""
              : toolCalls(
                  "\"index\":0,\"function\":{\"arguments\":"
                      + AnswerShape.quote(fields.call().piece(index - 1, contentEvents))
                      + "}");
      return chunk(id, fields, "{" + content + "}", "null");
    }
    if (index == contentEvents + 1) {
      return chunk(id, fields, "{}", finishReason(fields));
    }
    return "data: "
        + head(id, "chat.completion.chunk", fields)
        + "\"choices\":[],\"usage\":"
        + usage(script.inputTokens(), script.outputTokens())
        + "}\n\n";
  }

  @Override
  public int contentEventsThrough(int index, int contentEvents, RequestFields fields) {
    return Math.clamp(index, 0, contentEvents);
  }

  private static String finishReason(RequestFields fields) {
    return fields.call() == null ? "\"stop\"" : "\"tool_calls\"";
  }

  private static String toolCalls(String members) {
    return "\"tool_calls\":[{" + members + "}]";
  }

  private static String function(String id, ToolCall call, String input) {
    return "\"id\":\"call_"
        + id
        + "\",\"type\":\"function\",\"function\":{\"name\":"
        + AnswerShape.quote(call.name())
        + ",\"arguments\":"
        + AnswerShape.quote(input)
        + "}";
  }

  private static String chunk(String id, RequestFields fields, String delta, String finishReason) {
    return "data: "
        + head(id, "chat.completion.chunk", fields)
        + "\"choices\":[{\"index\":0,\"delta\":"
        + delta
        + ",\"logprobs\":null,\"finish_reason\":"
        + finishReason
        + (fields.includeUsage() ? "}],\"usage\":null}\n\n" : "}]}\n\n");
  }

  private static String head(String id, String object, RequestFields fields) {
    return "{\"id\":\"chatcmpl-"
        + id
        + "\",\"object\":\""
        + object
        + "\",\"created\":"
        + CREATED
        + ",\"model\":"
        + AnswerShape.quote(fields.model())
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
}
