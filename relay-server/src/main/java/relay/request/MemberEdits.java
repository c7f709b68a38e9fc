package relay.request;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
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
  private MemberEdits() {}

  /**
   * Returns the edited body.
   *
   * @param without names of the members to remove
   * @param with JSON values by name, added if the body has no such member
   */
  public static byte[] edit(byte[] body, Set<String> without, Map<String, String> with) {
    Map<String, String> missing = new LinkedHashMap<>(with);
    List<ByteRange> parts = kept(new JsonText(body, body.length), without, missing);
    List<byte[]> added =
        missing.entrySet().stream()
            .map(member -> JsonString.quote(member.getKey()) + ':' + member.getValue())
            .map(member -> member.getBytes(UTF_8))
            .toList();
    int separators = Math.max(2, parts.size() + added.size() + 1);
    byte[] edited = // the only large array here
        new byte
            [separators
                + parts.stream().mapToInt(ByteRange::length).sum()
                + added.stream().mapToInt(member -> member.length).sum()];
    ByteBuffer out = ByteBuffer.wrap(edited);
    out.put((byte) '{');
    parts.forEach(part -> separated(out).put(body, part.start(), part.length()));
    added.forEach(member -> separated(out).put(member));
    out.put((byte) '}');
    return edited;
  }

  private static ByteBuffer separated(ByteBuffer out) {
    return out.position() > 1 ? out.put((byte) ',') : out;
  }

  /**
   * The ranges of members that stay, each with the separators inside. Drops the names that it sees
   * from {@code missing}.
   */
  private static List<ByteRange> kept(
      JsonText text, Set<String> without, Map<String, String> missing) {
    List<ByteRange> parts = new ArrayList<>();
    int from = -1; // of the range at hand
    int to = -1;
    int p = text.afterSpace(text.afterSpace(0) + 1);
    while (text.at(p) == '"') {
      int nameEnd = text.string(p + 1);
      String name = Escapes.decode(text, p + 1, nameEnd - 1, text.escaped);
      int value = text.afterSpace(text.afterSpace(nameEnd) + 1);
      int end = valueEnd(text, value);
      missing.remove(name);
      if (!without.contains(name)) {
        from = from < 0 ? p : from;
        to = end;
      } else if (from >= 0) {
        parts.add(new ByteRange(from, to));
        from = -1;
      }
      int comma = text.afterSpace(end);
      p = text.afterSpace(comma + 1);
    }
    if (from >= 0) {
      parts.add(new ByteRange(from, to));
    }
    return parts;
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
