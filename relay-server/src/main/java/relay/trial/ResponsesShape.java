package relay.trial;

/** The Responses API: one item with one text; streams of typed, numbered events. */
final class ResponsesShape extends OpenAiApi {
  /** Before the text: created, in_progress, output_item.added, content_part.added. */
  private static final int FIRST_DELTA = 4;

  /** After it: output_text.done, content_part.done, output_item.done, completed. */
  private static final int AFTER_DELTAS = 4;

  private static final String DELTA = "some more words ";

  @Override
  public String json(String id, AskedBody asked, long inputTokens, long outputTokens) {
    return response(
        id, asked, "completed", item(id, "A simulated answer."), usage(inputTokens, outputTokens));
  }

  @Override
  public int eventCount(int contentEvents, AskedBody asked) {
    return FIRST_DELTA + contentEvents + AFTER_DELTAS;
  }

  @Override
  public String event(int index, int contentEvents, String id, AskedBody asked, Script script) {
    int after = index - FIRST_DELTA - contentEvents;
    if (index >= FIRST_DELTA && after < 0) {
      return of(
          index, "output_text.delta", at(id) + ",\"delta\":\"" + DELTA + "\",\"logprobs\":[]");
    }
    String text = DELTA.repeat(contentEvents);
    return switch (after < 0 ? index : FIRST_DELTA + after) {
      case 0 -> of(index, "created", started(id, asked));
      case 1 -> of(index, "in_progress", started(id, asked));
      case 2 ->
          of(
              index,
              "output_item.added",
              "\"output_index\":0,\"item\":{\"id\":\"msg_"
                  + id
                  + "\",\"type\":\"message\",\"status\":\"in_progress\",\"content\":[],"
                  + "\"role\":\"assistant\"}");
      case 3 -> of(index, "content_part.added", at(id) + ",\"part\":" + part(""));
      case 4 ->
          of(
              index,
              "output_text.done",
              at(id) + ",\"text\":" + AnswerShape.quote(text) + ",\"logprobs\":[]");
      case 5 -> of(index, "content_part.done", at(id) + ",\"part\":" + part(text));
      case 6 -> of(index, "output_item.done", "\"output_index\":0,\"item\":" + item(id, text));
      default ->
          of(
              index,
              "completed",
              "\"response\":"
                  + response(
                      id,
                      asked,
                      "completed",
                      item(id, text),
                      usage(script.inputTokens(), script.outputTokens())));
    };
  }

  @Override
  public int contentEventsThrough(int index, int contentEvents) {
    return Math.clamp(index - FIRST_DELTA + 1L, 0, contentEvents);
  }

  @Override
  public String errorEvent() {
    return "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"The"
        + " server had an error while processing your request.\",\"param\":null,"
        + "\"sequence_number\":9}\n\n";
  }

  @Override
  public long outputUpFront(AskedBody asked) {
    return asked.maxTokens();
  }

  private static String of(int sequence, String type, String members) {
    return "event: response."
        + type
        + "\ndata: {\"type\":\"response."
        + type
        + "\",\"sequence_number\":"
        + sequence
        + ","
        + members
        + "}\n\n";
  }

  private static String at(String id) {
    return "\"item_id\":\"msg_" + id + "\",\"output_index\":0,\"content_index\":0";
  }

  private static String started(String id, AskedBody asked) {
    return "\"response\":" + response(id, asked, "in_progress", "", "null");
  }

  private static String response(
      String id, AskedBody asked, String status, String output, String usage) {
    return "{\"id\":\"resp_"
        + id
        + "\",\"object\":\"response\",\"created_at\":"
        + CREATED
        + ",\"status\":\""
        + status
        + "\",\"error\":null,\"incomplete_details\":null,\"instructions\":null,\"model\":"
        + AnswerShape.quote(asked.model())
        + ",\"output\":["
        + output
        + "],\"parallel_tool_calls\":true,\"store\":true,\"tool_choice\":\"auto\",\"tools\":[],"
        + "\"metadata\":{},\"usage\":"
        + usage
        + "}";
  }

  private static String item(String id, String text) {
    return "{\"id\":\"msg_"
        + id
        + "\",\"type\":\"message\",\"status\":\"completed\",\"content\":["
        + part(text)
        + "],\"role\":\"assistant\"}";
  }

  private static String part(String text) {
    return "{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[],\"text\":"
        + AnswerShape.quote(text)
        + "}";
  }

  private static String usage(long inputTokens, long outputTokens) {
    return "{\"input_tokens\":"
        + inputTokens
        + ",\"input_tokens_details\":{\"cached_tokens\":0},\"output_tokens\":"
        + outputTokens
        + ",\"output_tokens_details\":{\"reasoning_tokens\":0},\"total_tokens\":"
        + (inputTokens + outputTokens)
        + "}";
  }
}
