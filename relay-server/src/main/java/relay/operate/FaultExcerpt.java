package relay.operate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import relay.config.ConfigFault;
import relay.operate.Grid.Style;

/**
 * The line of a file that has a fault, and a caret under the place. What may be a secret is masked:
 * a screen may be shared.
 */
final class FaultExcerpt {
  private static final Pattern BREAK =
      Pattern.compile("\\r\\n|[\\n\\r\\u0085\\u2028\\u2029]"); // as in YAML
  private static final int MOST_COLUMNS = 120;
  private static final int GUTTER = 8;

  /** User and password of a URL. */
  private static final Pattern LOGIN = Pattern.compile("(?<=://)\\S+(?=@)");

  /** The value of a setting that holds a secret. */
  private static final Pattern NAMED =
      Pattern.compile(
          "(?<=(?i:key|token|secret|password|authorization)s?[\"']?\\s{0,9}:\\s{1,9})"
              + "(?:\"[^\"]*\"|'[^']*'|[^\\s{\\[|>&*!].*?(?=,\\s|\\s+#|[}\\]]|$))");

  private static final Pattern WORD = Pattern.compile("[A-Za-z0-9+_=-]{20,}");
  private static final Pattern LIKE_A_KEY =
      Pattern.compile("(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9]).*|[0-9a-f]{32,}");

  private FaultExcerpt() {}

  /** Two lines; empty if the place is unknown, or cannot be read now. */
  static String of(ConfigFault fault, TerminalFeatures terminal) {
    String[] lines;
    try {
      lines = BREAK.split(Files.readString(Path.of(fault.file())), -1);
    } catch (IOException | InvalidPathException e) {
      return "";
    }
    if (fault.line() < 1 || fault.line() > lines.length) {
      return "";
    }
    String line = lines[fault.line() - 1];
    int[] shown =
        masked(line.startsWith("\uFEFF") ? line.substring(1) : line).codePoints().toArray();
    int column = fault.column() - 1;
    if (column < 0 || column > shown.length) {
      return "";
    }
    int width = Math.max(2, Math.min(MOST_COLUMNS, terminal.columns()) - GUTTER);
    int from = column < width ? 0 : column - width / 2;
    String part = new String(shown, from, Math.min(width, shown.length - from));
    String number = "%5d | ".formatted(fault.line());
    String empty = " ".repeat(number.length() - 2) + "| ";
    boolean colours = terminal.colours();
    return (colours ? Style.FAINT.on(number) : number)
        + part.replaceAll("\\p{Cntrl}", " ")
        + "\n"
        + (colours ? Style.FAINT.on(empty) : empty)
        + " ".repeat(column - from)
        + (colours ? Style.RED.on("^") : "^")
        + "\n";
  }

  /** As long as the line. References to variables and files are no secrets. */
  private static String masked(String line) {
    String text = masked(LOGIN, line, login -> true);
    text = masked(NAMED, text, value -> !value.contains("${"));
    return masked(WORD, text, word -> LIKE_A_KEY.matcher(word).matches());
  }

  private static String masked(Pattern pattern, String line, Predicate<String> isSecret) {
    return pattern
        .matcher(line)
        .replaceAll(
            found -> {
              String text = found.group();
              return isSecret.test(text)
                  ? "*".repeat(text.codePointCount(0, text.length()))
                  : Matcher.quoteReplacement(text);
            });
  }
}
