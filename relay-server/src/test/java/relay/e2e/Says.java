package relay.e2e;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.List;
import relay.model.Dialect;

/** Providers' answers as bytes. The usage is always {@value #INPUT} and {@value #OUTPUT} tokens. */
final class Says {
  static final int INPUT = 7;
  static final int OUTPUT = 3;

  /** The head of a chunked event stream. */
  static final String STREAM =
      "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

  private Says() {}

  /** A complete answer with a JSON body. */
  static String json(int status, String body, String... headers) {
    StringBuilder head = new StringBuilder("HTTP/1.1 " + status + " Whatever\r\n");
    head.append("content-type: application/json\r\ncontent-length: ");
    head.append(body.getBytes(UTF_8).length).append("\r\n");
    for (String header : headers) {
      head.append(header).append("\r\n");
    }
    return head.append("\r\n").append(body).toString();
  }

  /** A good answer. */
  static String fine(Dialect dialect) {
    return json(200, answer(dialect));
  }

  static String answer(Dialect dialect) {
    return switch (dialect) {
      case ANTHROPIC ->
          "{\"id\":\"msg_1\",\"type\":\"message\",\"content\":[{\"type\":\"text\",\"text\":\"Hi\"}],"
              + "\"usage\":{\"input_tokens\":7,\"output_tokens\":3}}";
      case OPENAI ->
          "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"choices\":[],"
              + "\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3,\"total_tokens\":10}}";
    };
  }

  /** The events of a complete stream; openai's includes usage, as if requested. */
  static List<String> events(Dialect dialect) {
    List<String> events = new ArrayList<>();
    switch (dialect) {
      case ANTHROPIC -> {
        events.add(
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\","
                + "\"usage\":{\"input_tokens\":7,\"output_tokens\":1}}}\n\n");
        events.add(
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
                + "\"delta\":{\"type\":\"text_delta\",\"text\":\"Hi\"}}\n\n");
        events.add(
            "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{},"
                + "\"usage\":{\"output_tokens\":3}}\n\n");
        events.add("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
      }
      case OPENAI -> {
        for (String text : List.of("H", "i")) {
          events.add(
              "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"choices\":[{"
                  + "\"index\":0,\"delta\":{\"content\":\""
                  + text
                  + "\"},\"finish_reason\":null}],\"usage\":null}\n\n");
        }
        events.add(
            "data:"
                + " {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3,\"total_tokens\":10}}\n\n");
        events.add("data: [DONE]\n\n");
      }
    }
    return List.copyOf(events);
  }

  /** The same as seen by a client that did not request usage. */
  static List<String> eventsWithoutUsage(Dialect dialect) {
    return switch (dialect) {
      case ANTHROPIC -> events(dialect);
      case OPENAI ->
          events(dialect).stream()
              .filter(event -> !event.contains("\"choices\":[]"))
              .map(event -> event.replace(",\"usage\":null", ""))
              .toList();
    };
  }

  /** An error of the provider. */
  static String error(Dialect dialect, String type, String message) {
    return switch (dialect) {
      case ANTHROPIC ->
          "{\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":\"%s\"}}"
              .formatted(type, message);
      case OPENAI ->
          "{\"error\":{\"message\":\"%s\",\"type\":\"%s\",\"param\":null,\"code\":null}}"
              .formatted(message, type);
    };
  }
}
