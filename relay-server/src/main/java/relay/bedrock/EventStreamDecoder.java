package relay.bedrock;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import relay.model.JsonString;

/**
 * Converts the response of InvokeModelWithResponseStream to the SSE stream of Anthropic's API: each
 * {@code chunk} carries one event. An exception in the stream becomes a final error event.
 *
 * <p>Source: Amazon Bedrock's API reference, ResponseStream.
 */
public final class EventStreamDecoder {
  private static final byte[] NONE = new byte[0];

  private final EventMessages messages = new EventMessages();
  private final JsonMapper json = new JsonMapper();
  private boolean ended;

  /** Adds the next bytes of the event stream; the buffer is not kept. */
  public void feed(byte[] bytes, int offset, int length) {
    messages.feed(bytes, offset, length);
  }

  /**
   * The next complete event as SSE; null if more bytes are needed.
   *
   * @throws IOException if the input is not a valid event stream
   */
  public byte @Nullable [] next() throws IOException {
    EventMessage message = messages.next();
    while (message != null) {
      byte[] event = ended ? NONE : event(message);
      if (event.length > 0) {
        return event;
      }
      message = messages.next();
    }
    return null;
  }

  /**
   * Ends the event stream.
   *
   * @throws IOException if it ends within a message
   */
  public void end() throws IOException {
    if (!messages.isEmpty()) {
      throw new EventStreamException("the stream ends within a message");
    }
  }

  private byte[] event(EventMessage message) throws IOException {
    return switch (message.header(":message-type")) {
      case "event" ->
          message.header(":event-type").equals("chunk") ? chunk(message.payload()) : NONE;
      case "exception" -> {
        ended = true;
        String said = read(message.payload()).path("message").asText();
        yield error(message.header(":exception-type"), said);
      }
      case "error" -> {
        ended = true;
        yield error(message.header(":error-code"), message.header(":error-message"));
      }
      default -> throw new EventStreamException("a message has an unknown type");
    };
  }

  private byte[] chunk(byte[] payload) throws IOException {
    byte[] data = bytes(read(payload).path("bytes"));
    if (data == null) {
      throw new EventStreamException("a chunk has no bytes");
    }
    for (int i = 0; i < data.length; i++) {
      // Replace line breaks between JSON tokens with spaces: in SSE they would end the data line.
      data[i] = data[i] == '\n' || data[i] == '\r' ? (byte) ' ' : data[i];
    }
    String type = read(data).path("type").asText();
    ByteArrayOutputStream out = new ByteArrayOutputStream(data.length + 64);
    if (!type.isEmpty() && type.chars().noneMatch(Character::isISOControl)) {
      out.writeBytes(("event: " + type + "\n").getBytes(UTF_8));
    }
    out.writeBytes("data: ".getBytes(UTF_8));
    out.writeBytes(data);
    out.writeBytes("\n\n".getBytes(UTF_8));
    return out.toByteArray();
  }

  private static byte @Nullable [] bytes(JsonNode base64) throws IOException {
    try {
      return base64.isTextual() ? base64.binaryValue() : null;
    } catch (JacksonException e) {
      return null;
    }
  }

  private JsonNode read(byte[] payload) throws IOException {
    try {
      return json.readTree(payload);
    } catch (JacksonException e) {
      throw new EventStreamException("a message is not JSON");
    }
  }

  private static byte[] error(String code, String message) {
    return "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":%s,\"message\":%s}}\n\n"
        .formatted(
            JsonString.quote(errorType(code)), JsonString.quote(message.isEmpty() ? code : message))
        .getBytes(UTF_8);
  }

  /** Maps Bedrock's exceptions to Anthropic's error types. */
  private static String errorType(String code) {
    return switch (code.toLowerCase(Locale.ROOT)) {
      case "throttlingexception" -> "rate_limit_error";
      case "serviceunavailableexception" -> "overloaded_error";
      case "validationexception" -> "invalid_request_error";
      case "modeltimeoutexception" -> "timeout_error";
      default -> "api_error";
    };
  }
}
