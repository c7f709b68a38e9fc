package relay.trial.provider;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * The fields of a request's body that the simulated provider reads.
 *
 * @param model the requested model
 * @param stream whether the answer is an event stream
 * @param maxTokens {@code max_tokens} or an alias; 0 = not stated
 * @param includeUsage openai's {@code stream_options.include_usage}
 * @param call the tool call of the answer; null = the answer is a text
 */
record RequestFields(
    String model, boolean stream, long maxTokens, boolean includeUsage, @Nullable ToolCall call) {
  private static final JsonFactory JSON = new JsonFactory();

  /** Throws IOException if it is not a JSON object with a model. */
  static RequestFields parse(byte[] body, Script script) throws IOException {
    String model = "";
    boolean stream = false;
    long maxTokens = 0;
    boolean includeUsage = false;
    try (JsonParser parser = JSON.createParser(body)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new IOException("the body is not a JSON object");
      }
      for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
        JsonToken value = parser.nextToken();
        switch (name) {
          case "model" -> model = parser.getText();
          case "stream" -> stream = value == JsonToken.VALUE_TRUE;
          case "max_tokens", "max_completion_tokens", "max_output_tokens" ->
              maxTokens = parser.getValueAsLong();
          case "stream_options" -> includeUsage = includesUsage(parser);
          default -> parser.skipChildren();
        }
      }
    }
    if (model.isEmpty()) {
      throw new IOException("model: Field required");
    }
    return new RequestFields(model, stream, maxTokens, includeUsage, ToolCall.of(script, body));
  }

  private static boolean includesUsage(JsonParser parser) throws IOException {
    boolean includeUsage = false;
    if (parser.currentToken() != JsonToken.START_OBJECT) {
      return false;
    }
    for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
      JsonToken value = parser.nextToken();
      if (name.equals("include_usage")) {
        includeUsage = value == JsonToken.VALUE_TRUE;
      } else {
        parser.skipChildren();
      }
    }
    return includeUsage;
  }
}
