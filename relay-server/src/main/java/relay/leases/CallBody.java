package relay.leases;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.JsonRecyclerPools;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import relay.body.Payload;
import relay.model.HeaderLines;

/**
 * The JSON body of a call. Members that it does not ask for are ignored, {@code null} is as good as
 * absent.
 */
record CallBody(JsonNode root) {
  private static final int BUFFERS = 64; // those of calls that are read at once, kept for later

  private static final ObjectMapper MAPPER =
      JsonMapper.builder(
              // Its usual buffers are those of a thread, and a virtual thread has each once
              JsonFactory.builder().recyclerPool(JsonRecyclerPools.newBoundedPool(BUFFERS)).build())
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /** The most lines of a provider's head that count. */
  private static final int MOST_LINES = 200;

  /** The tree takes many times the bytes: it must not be kept while a call waits. */
  static CallBody of(Payload body) throws BadCallException {
    try {
      JsonNode root = MAPPER.readTree(body.bytes());
      if (root == null || !root.isObject()) {
        throw new BadCallException("the body must be a JSON object");
      }
      return new CallBody(root);
    } catch (JsonProcessingException e) {
      JsonLocation at = e.getLocation();
      throw new BadCallException(
          at == null
              ? "the body is not JSON"
              : "the body is not JSON: see line %d, column %d"
                  .formatted(at.getLineNr(), at.getColumnNr()));
    } catch (IOException e) {
      throw new BadCallException("the body is not JSON");
    }
  }

  boolean has(String name) {
    return root.hasNonNull(name);
  }

  /** A text; empty if it is absent. */
  String text(String name, int mostLetters) throws BadCallException {
    return has(name) ? text(name, root.get(name), mostLetters) : "";
  }

  private static String text(String name, JsonNode value, int most) throws BadCallException {
    if (!value.isTextual() || value.textValue().length() > most) {
      throw new BadCallException(name + " must be a text of at most " + most + " letters");
    }
    return value.textValue();
  }

  /** A whole number; the default if it is absent. */
  long whole(String name, long least, long most, long otherwise) throws BadCallException {
    if (!has(name)) {
      return otherwise;
    }
    JsonNode value = root.get(name);
    if (!value.isIntegralNumber()
        || !value.canConvertToLong()
        || value.longValue() < least
        || value.longValue() > most) {
      throw new BadCallException(name + " must be a whole number from " + least + " to " + most);
    }
    return value.longValue();
  }

  /** A flag; false if it is absent. */
  boolean flag(String name) throws BadCallException {
    if (has(name) && !root.get(name).isBoolean()) {
      throw new BadCallException(name + " must be true or false");
    }
    return has(name) && root.get(name).booleanValue();
  }

  /** A list of texts; empty if it is absent. */
  Set<String> texts(String name, int most, int mostLetters) throws BadCallException {
    if (!has(name)) {
      return Set.of();
    }
    JsonNode list = root.get(name);
    if (!list.isArray() || list.size() > most) {
      throw new BadCallException(name + " must be a list of at most " + most + " texts");
    }
    Set<String> texts = new HashSet<>();
    for (JsonNode one : list) {
      texts.add(text(name, one, mostLetters));
    }
    return texts;
  }

  /** Header lines, as an object; a value may be a list of lines. None if it is absent. */
  HeaderLines headers(String name) throws BadCallException {
    HeaderLines lines = new HeaderLines();
    if (!has(name)) {
      return lines;
    }
    JsonNode all = root.get(name);
    String form =
        "%s must be an object: a text, or a list of texts, by each header's name, at most %d lines"
            .formatted(name, MOST_LINES);
    if (!all.isObject()) {
      throw new BadCallException(form);
    }
    int count = 0;
    for (Map.Entry<String, JsonNode> each : all.properties()) {
      Iterable<JsonNode> values =
          each.getValue().isArray() ? each.getValue() : Set.of(each.getValue());
      for (JsonNode value : values) {
        if (!value.isValueNode() || ++count > MOST_LINES) {
          throw new BadCallException(form);
        }
        lines.add(each.getKey(), value.asText());
      }
    }
    return lines;
  }
}
