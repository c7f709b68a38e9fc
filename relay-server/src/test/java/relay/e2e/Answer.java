package relay.e2e;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A received HTTP response. */
final class Answer {
  private final int status;
  private final List<String> headers;
  private final byte[] body;
  private final boolean whole;

  Answer(int status, List<String> headers, byte[] body, boolean whole) {
    this.status = status;
    this.headers = List.copyOf(headers);
    this.body = body;
    this.whole = whole;
  }

  int status() {
    return status;
  }

  /** The lines of the head. */
  List<String> headers() {
    return headers;
  }

  byte[] body() {
    return body;
  }

  /** Whether the body is complete. */
  boolean whole() {
    return whole;
  }

  /** The first value of a header; null if absent. */
  @Nullable String header(String name) {
    return header(headers, name);
  }

  static @Nullable String header(List<String> lines, String name) {
    return lines.stream()
        .filter(line -> line.regionMatches(true, 0, name + ":", 0, name.length() + 1))
        .map(line -> line.substring(name.length() + 1).strip())
        .findFirst()
        .orElse(null);
  }

  String text() {
    return new String(body, UTF_8);
  }

  JsonNode json() throws IOException {
    return new ObjectMapper().readTree(body);
  }

  @Override
  public String toString() {
    return status + " " + headers + (whole ? " " : " (broken off) ") + text();
  }
}
