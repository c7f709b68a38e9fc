package relay.trial.provider;

/** The Responses API: one item, a text or a call; streams of typed, numbered events. */
final class ResponsesShape extends OpenAiApi {
  /** output_text.done, content_part.done, output_item.done, completed. */
  private static final int AFTER_TEXT = 4;

  /** function_call_arguments.done, output_item.done, completed. */
  private static final int AFTER_CALL = 3;

  private static final String DELTA = "some more words ";

  @Override
  public String json(String id, RequestFields fields, long inputTokens, long outputTokens) {
    String item =
        fields.call() == null
            ? item(id, "A simulated answer.")
            : call(id, fields.call(), "completed", fields.call().input());
    return response(id, fields, "completed", item, usage(inputTokens, outputTokens));
  }

  @Override
  public int eventCount(int contentEvents, RequestFields fields) {
    return firstDelta(fields) + contentEvents + (fields.call() == null ? AFTER_TEXT : AFTER_CALL);
  }

  @Override
  public String event(
      int index, int contentEvents, String id, RequestFields fields, Script script) {
    if (index == 0) {
      return of(index, "created", started(id, fields));
    }
    if (index == 1) {
      return of(index, "in_progress", started(id, fields));
    }
    ToolCall call = fields.call();
    String whole =
        call == null ? item(id, text(contentEvents)) : call(id, call, "completed", call.input());
    int left = eventCount(contentEvents, fields) - index;
    if (left == 1) {
      String usage = usage(script.inputTokens(), script.outputTokens());
      String response = response(id, fields, "completed", whole, usage);
      return of(index, "completed", "\"response\":" + response);
    }
    if (left == 2) {
      return of(index, "output_item.done", "\"output_index\":0,\"item\":" + whole);
    }
    int delta = index - firstDelta(fields);
    return call == null
        ? textEvent(index, delta, contentEvents, id)
        : callEvent(index, delta, contentEvents, id, call);
  }

  private static String textEvent(int index, int delta, int contentEvents, String id) {
    return switch (delta) {
      case -2 ->
          of(
              index,
              "output_item.added",
              "\"output_index\":0,\"item\":{\"id\":\"msg_"
                  + id
                  + "\",\"type\":\"message\",\"status\":\"in_progress\",\"content\":[],"
                  + "\"role\":\"assistant\"}");
      case -1 -> of(index, "content_part.added", at(id) + ",\"part\":" + part(""));
      default -> {
        String text = text(contentEvents);
        yield switch (delta - contentEvents) {
          case 0 ->
              of(
                  index,
                  "output_text.done",
                  at(id) + ",\"text\":" + AnswerShape.quote(text) + ",\"logprobs\":[]");
          case 1 -> of(index, "content_part.done", at(id) + ",\"part\":" + part(text));
          default ->
              of(
                  index,
                  "output_text.delta",
                  at(id) + ",\"delta\":\"" + DELTA + "\",\"logprobs\":[]");
        };
      }
    };
  }

  private static String callEvent(
      int index, int delta, int contentEvents, String id, ToolCall call) {
    String at = "\"item_id\":\"fc_" + id + "\",\"output_index\":0,";
    if (delta < 0) {
      String item = call(id, call, "in_progress", "");
      return of(index, "output_item.added", "\"output_index\":0,\"item\":" + item);
    }
    if (delta < contentEvents) {
      String piece = AnswerShape.quote(call.piece(delta, contentEvents));
      return of(index, "function_call_arguments.delta", at + "\"delta\":" + piece);
    }
    String input = AnswerShape.quote(call.input());
    return of(index, "function_call_arguments.done", at + "\"arguments\":" + input);
  }

  @Override
  public int contentEventsThrough(int index, int contentEvents, RequestFields fields) {
    return Math.clamp(index - firstDelta(fields) + 1L, 0, contentEvents);
  }

  @Override
  public String errorEvent() {
    return "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"The"
        + " server had an error while processing your request.\",\"param\":null,"
        + "\"sequence_number\":9}\n\n";
  }

  @Override
  public long outputUpFront(RequestFields fields) {
    return fields.maxTokens();
  }

  /** After created, in_progress, output_item.added and, of a text, content_part.added. */
  private static int firstDelta(RequestFields fields) {
    return fields.call() == null ? 4 : 3;
  }

  private static String text(int contentEvents) {
    return DELTA.repeat(contentEvents);
  }

  private static String call(String id, ToolCall call, String status, String input) {
    return "{\"id\":\"fc_"
        + id
        + "\",\"type\":\"function_call\",\"status\":\""
        + status
        + "\",\"arguments\":"
        + AnswerShape.quote(input)
        + ",\"call_id\":\"call_"
        + id
        + "\",\"name\":"
        + AnswerShape.quote(call.name())
        + "}";
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

  private static String started(String id, RequestFields fields) {
    return "\"response\":" + response(id, fields, "in_progress", "", "null");
  }

  private static String response(
      String id, RequestFields fields, String status, String output, String usage) {
    return "{\"id\":\"resp_"
        + id
        + "\",\"object\":\"response\",\"created_at\":"
        + CREATED
        + ",\"status\":\""
        + status
        + "\",\"error\":null,\"incomplete_details\":null,\"instructions\":null,\"model\":"
        + AnswerShape.quote(fields.model())
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
