package relay.upstream;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.HexFormat;

/** Parts of a request's target. */
final class Targets {
  private Targets() {}

  static String path(String target) {
    int question = target.indexOf('?');
    return question < 0 ? target : target.substring(0, question);
  }

  /** The query with its question mark; empty if there is none. */
  static String query(String target) {
    int question = target.indexOf('?');
    return question < 0 ? "" : target.substring(question);
  }

  /** Encodes a model's name as one path segment. */
  static String segment(String model) {
    if (model.equals(".") || model.equals("..")) {
      return "-"; // a dot segment: URL parsers resolve it even if escaped, and no model has such a
      // name
    }
    StringBuilder out = new StringBuilder(model.length() + 8);
    for (byte b : model.getBytes(UTF_8)) {
      boolean plain =
          (b >= 'a' && b <= 'z')
              || (b >= 'A' && b <= 'Z')
              || (b >= '0' && b <= '9')
              || "-._~@".indexOf(b) >= 0;
      if (plain) {
        out.append((char) b);
      } else {
        out.append('%').append(HexFormat.of().withUpperCase().toHexDigits(b));
      }
    }
    return out.toString();
  }
}
