package relay.request;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import relay.model.JsonString;

/**
 * Removes and adds top-level members of a request, for providers that take the model from the URL.
 * All other members keep their exact bytes.
 *
 * <p>{@link RequestScanner} must have accepted the body.
 */
public final class MemberEdits {
  private static final int ADDED_BYTES = 128;

  private MemberEdits() {}

  /**
   * Returns the edited body.
   *
   * @param without names of the members to remove
   * @param with JSON values by name, added if the body has no such member
   */
  public static byte[] edit(byte[] body, Set<String> without, Map<String, String> with) {
    JsonText text = new JsonText(body, body.length);
    Map<String, String> missing = new LinkedHashMap<>(with);
    ByteArrayOutputStream out = new ByteArrayOutputStream(body.length + ADDED_BYTES);
    char separator = '{';
    int p = text.afterSpace(text.afterSpace(0) + 1);
    while (text.at(p) == '"') {
      int nameEnd = text.string(p + 1);
      String name = Escapes.decode(text, p + 1, nameEnd - 1, text.escaped);
      int value = text.afterSpace(text.afterSpace(nameEnd) + 1);
      int end = valueEnd(text, value);
      missing.remove(name);
      if (!without.contains(name)) {
        out.write(separator);
        out.write(body, p, end - p);
        separator = ',';
      }
      int comma = text.afterSpace(end);
      p = text.afterSpace(comma + 1);
    }
    for (Map.Entry<String, String> member : missing.entrySet()) {
      String written = separator + JsonString.quote(member.getKey()) + ':' + member.getValue();
      out.writeBytes(written.getBytes(UTF_8));
      separator = ',';
    }
    out.writeBytes((separator == '{' ? "{}" : "}").getBytes(UTF_8));
    return out.toByteArray();
  }

  /** The position after a value of valid JSON: counts brackets and skips strings. */
  private static int valueEnd(JsonText text, int start) {
    if (text.at(start) == '"') {
      return text.string(start + 1);
    }
    int depth = 0;
    int p = start;
    while (true) {
      int c = text.at(p);
      boolean closes = c == '}' || c == ']';
      boolean ends = closes || c == ',' || c == ' ' || c == '\n' || c == '\r' || c == '\t' || c < 0;
      if (depth == 0 && ends) {
        return p; // after a number or literal
      }
      if (c < 0) {
        throw new IllegalArgumentException("the body was not scanned");
      }
      p = c == '"' ? text.string(p + 1) : p + 1;
      if (c == '{' || c == '[') {
        depth++;
      } else if (closes && --depth == 0) {
        return p;
      }
    }
  }
}
