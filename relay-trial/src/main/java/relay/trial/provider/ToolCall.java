package relay.trial.provider;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;

/**
 * A tool call, the answer instead of a text.
 *
 * @param name a tool that the request offers
 * @param input its arguments, JSON
 */
record ToolCall(String name, String input) {
  private static final JsonFactory JSON = new JsonFactory();

  /**
   * The call that the script orders, if the request offers the tool and does not have its result.
   * With a result the answer is a text, which ends the loop of a client that runs tools.
   */
  static @Nullable ToolCall of(Script script, byte[] body) throws IOException {
    String tool = script.tool();
    if (tool == null) {
      return null;
    }
    boolean offered = false;
    boolean answered = false;
    try (JsonParser parser = JSON.createParser(body)) {
      parser.nextToken();
      for (String member = parser.nextFieldName();
          member != null;
          member = parser.nextFieldName()) {
        parser.nextToken();
        switch (member) {
          case "tools" ->
              offered = has(parser, (name, text) -> name.equals("name") && text.equals(tool));
          case "messages", "input" -> answered = has(parser, ToolCall::isResult);
          default -> parser.skipChildren();
        }
      }
    }
    return offered && !answered ? new ToolCall(tool, script.toolInput()) : null;
  }

  /** The piece of the input in the content event {@code index} of {@code count}. */
  String piece(int index, int count) {
    return input.substring(start(index, count), start(index + 1, count));
  }

  private int start(int index, int count) {
    return (int) ((long) input.length() * index / count);
  }

  private static boolean isResult(String member, String text) {
    return switch (member) {
      // anthropic; openai's Responses
      case "type" -> text.equals("tool_result") || text.equals("function_call_output");
      case "role" -> text.equals("tool"); // openai's Chat Completions
      default -> false;
    };
  }

  /** Whether the current value has such a member at any depth. Consumes the value. */
  private static boolean has(JsonParser parser, BiPredicate<String, String> member)
      throws IOException {
    boolean found = false;
    int depth = 0;
    do {
      JsonToken token = parser.currentToken();
      depth += token.isStructStart() ? 1 : token.isStructEnd() ? -1 : 0;
      String name = token == JsonToken.VALUE_STRING ? parser.currentName() : null;
      found |= name != null && member.test(name, parser.getText());
    } while (depth > 0 && parser.nextToken() != null);
    return found;
  }
}
