package relay.request;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;

/** Random JSON within RFC 8259's rules, and damaged documents, from a seed. */
final class RandomJson {
  private static final String[] PIECES = {
    "a",
    "usage",
    "}",
    "é",
    "中",
    "😀",
    "\\n",
    "\\\"",
    "\\\\",
    "\\/",
    "\\u0000",
    "\\ud800",
    "\\uDFFF",
    "\\ud83d\\ude00",
    "\\u00e9",
    "\\u4E2D",
    " ",
    "\u007f",
    "\u0080",
    "\u07ff",
    "\u0800",
    "\uffff",
    "data:",
    "0123456789abcdef"
  };
  private static final String[] SPACES = {"", "", "", " ", "\n", "\r\n\t "};
  private static final String[] NUMBERS = {
    "0", "-0", "1", "-12.50", "1e400", "1E-9", "0.0e+0", "123456789012345678901234567890", "4.5"
  };

  private final Random random;

  RandomJson(Random random) {
    this.random = random;
  }

  byte[] document() {
    return (space() + value(random.nextInt(6)) + space()).getBytes(UTF_8);
  }

  /** A valid request whose strings are well-formed and never payloads, members in random order. */
  byte[] request() {
    List<String> members = new ArrayList<>();
    members.add(
        member(pick("model", "mod\\u0065l"), '"' + pick("m", "é", "\\u4e2dx", "a\\/b") + '"'));
    maybe(members, () -> member("stream", pick("true", "false", "null")));
    maybe(members, () -> member("max_tokens", number()));
    maybe(members, () -> member("max_completion_tokens", number()));
    maybe(members, () -> member("max_output_tokens", number()));
    maybe(members, () -> member("stream_options", options()));
    maybe(members, () -> member("messages", text(3)));
    maybe(members, () -> member("system", text(1)));
    maybe(members, () -> member("source", text(2)));
    Collections.shuffle(members, random);
    return (space() + "{" + space() + String.join(",", members) + "}" + space()).getBytes(UTF_8);
  }

  static byte[] mutate(byte[] document, Random random) {
    byte[] out = document.clone();
    byte[] interesting = "{}[]\",:\\u0e-+.tfn \u0001\t".getBytes(UTF_8);
    for (int i = random.nextInt(3); i >= 0 && out.length > 0; i--) {
      int at = random.nextInt(out.length);
      switch (random.nextInt(4)) {
        case 0 -> out[at] = (byte) random.nextInt(256);
        case 1 -> out[at] = interesting[random.nextInt(interesting.length)];
        case 2 -> out = Arrays.copyOf(out, at);
        default -> out[at] ^= (byte) (1 << random.nextInt(8));
      }
    }
    return out;
  }

  private String options() {
    return pick(
        "null",
        "{" + space() + "}",
        "{" + member("include_usage", pick("true", "false", "null", "1")) + "}",
        "{" + member("x", text(1)) + "," + member("include\\u005fusage", "true") + "}",
        "[1]",
        "{" + member("include_obfuscation", "false") + "}");
  }

  private void maybe(List<String> members, Supplier<String> member) {
    if (random.nextBoolean()) {
      members.add(member.get());
    }
  }

  private String member(String name, String value) {
    return space() + '"' + name + '"' + space() + ":" + space() + value + space();
  }

  private String number() {
    return pick("0", "17", "32000", "null", "1000000000000");
  }

  /** A value whose strings hold only complete characters. */
  private String text(int depth) {
    if (depth == 0) {
      return pick("\"plain\"", "\"é中😀\"", "\"\\u00e9\\ud83d\\ude00\\n\"", "1", "true", "\"\"");
    }
    return random.nextBoolean()
        ? "[" + text(depth - 1) + "," + space() + text(depth - 1) + "]"
        : "{" + member(pick("type", "text", "url"), text(depth - 1)) + "}";
  }

  private String value(int depth) {
    int kinds = depth == 0 ? 5 : 7;
    return switch (random.nextInt(kinds)) {
      case 0 -> "true";
      case 1 -> pick("false", "null");
      case 2 -> pick(NUMBERS);
      case 3, 4 -> string();
      case 5 -> "[" + space() + list(() -> value(depth - 1)) + "]";
      default ->
          "{" + space() + list(() -> string() + space() + ":" + space() + value(depth - 1)) + "}";
    };
  }

  private String list(Supplier<String> element) {
    StringBuilder out = new StringBuilder();
    for (int i = random.nextInt(4); i > 0; i--) {
      out.append(element.get()).append(space()).append(i > 1 ? "," : "").append(space());
    }
    return out.toString();
  }

  private String string() {
    StringBuilder out = new StringBuilder("\"");
    for (int i = random.nextInt(6); i > 0; i--) {
      out.append(pick(PIECES));
    }
    return out.append('"').toString();
  }

  private String space() {
    return pick(SPACES);
  }

  private String pick(String... choices) {
    return choices[random.nextInt(choices.length)];
  }
}
