package relay.trial.provider;

/** The Chat Completions API: chunks, the usage chunk where it was asked for, {@code [DONE]}. */
final class OpenAiShape extends OpenAiApi {
  @Override
  public String json(String id, AskedBody asked, long inputTokens, long outputTokens) {
    return head(id, "chat.completion", asked)
        + "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
        + (asked.call() == null
            ? "\"content\":\"A simulated answer.\""
            : "\"content\":null," + toolCalls(function(id, asked.call(), asked.call().input())))
        + ",\"refusal\":null},\"logprobs\":null,\"finish_reason\":"
        + finishReason(asked)
        + "}],\"usage\":"
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
      String content =
          asked.call() == null
              ? "\"content\":\"\""
              : "\"content\":null," + toolCalls("\"index\":0," + function(id, asked.call(), ""));
      return chunk(id, asked, "{\"role\":\"assistant\"," + content + ",\"refusal\":null}", "null");
    }
    if (index <= contentEvents) {
      String content =
          asked.call() == null
              ? "\"content\":\"some more words \""
              : toolCalls(
                  "\"index\":0,\"function\":{\"arguments\":"
                      + AnswerShape.quote(asked.call().piece(index - 1, contentEvents))
                      + "}");
      return chunk(id, asked, "{" + content + "}", "null");
    }
    if (index == contentEvents + 1) {
      return chunk(id, asked, "{}", finishReason(asked));
    }
    return "data: "
        + head(id, "chat.completion.chunk", asked)
        + "\"choices\":[],\"usage\":"
        + usage(script.inputTokens(), script.outputTokens())
        + "}\n\n";
  }

  @Override
  public int contentEventsThrough(int index, int contentEvents, AskedBody asked) {
    return Math.clamp(index, 0, contentEvents);
  }

  private static String finishReason(AskedBody asked) {
    return asked.call() == null ? "\"stop\"" : "\"tool_calls\"";
  }

  private static String toolCalls(String members) {
    return "\"tool_calls\":[{" + members + "}]";
  }

  private static String function(String id, CalledTool call, String input) {
    return "\"id\":\"call_"
        + id
        + "\",\"type\":\"function\",\"function\":{\"name\":"
        + AnswerShape.quote(call.name())
        + ",\"arguments\":"
        + AnswerShape.quote(input)
        + "}";
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
}
