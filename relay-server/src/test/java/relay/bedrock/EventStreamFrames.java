package relay.bedrock;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;

/** Builds event stream messages in Bedrock's format, by its specification. */
public final class EventStreamFrames {
  private EventStreamFrames() {}

  /** Wraps an Anthropic event. The padding's length varies, as in Bedrock's frames. */
  public static byte[] chunk(String event) {
    String bytes = Base64.getEncoder().encodeToString(event.getBytes(UTF_8));
    String padding = "abcdefghijklmnopqrstuvwxyz".substring(0, event.length() % 26);
    return event("chunk", "{\"bytes\":\"%s\",\"p\":\"%s\"}".formatted(bytes, padding));
  }

  public static byte[] event(String type, String payload) {
    return frame(Map.of(":message-type", "event", ":event-type", type), payload);
  }

  public static byte[] exception(String type, String message) {
    return frame(
        Map.of(":message-type", "exception", ":exception-type", type),
        "{\"message\":\"%s\"}".formatted(message));
  }

  static byte[] error(String code, String message) {
    return frame(
        Map.of(":message-type", "error", ":error-code", code, ":error-message", message), "");
  }

  static byte[] frame(Map<String, String> names, String payload) {
    Map<String, String> headers = new LinkedHashMap<>(names);
    headers.put(":content-type", "application/json");
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    headers.forEach(
        (name, value) -> {
          text.write(name.length());
          text.writeBytes(name.getBytes(UTF_8));
          text.write(7);
          text.write(value.length() >> 8);
          text.write(value.length());
          text.writeBytes(value.getBytes(UTF_8));
        });
    return message(text.toByteArray(), payload.getBytes(UTF_8));
  }

  static byte[] message(byte[] headers, byte[] payload) {
    try {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      DataOutputStream out = new DataOutputStream(bytes);
      out.writeInt(12 + headers.length + payload.length + 4);
      out.writeInt(headers.length);
      out.writeInt(crc(bytes.toByteArray()));
      out.write(headers);
      out.write(payload);
      out.writeInt(crc(bytes.toByteArray()));
      return bytes.toByteArray();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static int crc(byte[] bytes) {
    CRC32 crc = new CRC32();
    crc.update(bytes);
    return (int) crc.getValue();
  }
}
