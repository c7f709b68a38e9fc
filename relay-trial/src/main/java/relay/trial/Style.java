package relay.trial;

import java.nio.charset.Charset;
import java.util.Map;

/**
 * Colour, glyphs and width of the output. Pure, so that tests compare it with golden text.
 *
 * @param width columns to use
 */
record Style(boolean colour, Glyphs glyphs, int width) {
  static final int DEFAULT_WIDTH = 80;
  private static final int MIN_WIDTH = 72;
  private static final int MAX_WIDTH = 100;

  /** The characters of bars and marks. */
  record Glyphs(String full, String half, String rest, String good, String bad) {
    static final Glyphs UNICODE = new Glyphs("━", "╸", "─", "✓", "✗");
    static final Glyphs ASCII = new Glyphs("#", "=", "-", "+", "!");

    /** Unicode where the charset of the output has it, else ASCII. */
    static Glyphs in(Charset charset) {
      return charset.newEncoder().canEncode("━╸─✓✗·") ? UNICODE : ASCII;
    }
  }

  /** Follows the environment: {@code NO_COLOR}, {@code COLUMNS}, {@code TERM}. */
  static Style of(Map<String, String> environment, boolean terminal, Charset charset) {
    boolean plain =
        !environment.getOrDefault("NO_COLOR", "").isEmpty()
            || environment.getOrDefault("TERM", "").equals("dumb");
    String columns = environment.getOrDefault("COLUMNS", "");
    int width = columns.matches("\\d{1,4}") ? Integer.parseInt(columns) : DEFAULT_WIDTH;
    return new Style(
        terminal && !plain, Glyphs.in(charset), Math.clamp(width, MIN_WIDTH, MAX_WIDTH));
  }

  String bold(String text) {
    return paint("1", text);
  }

  String dim(String text) {
    return paint("90", text);
  }

  String good(String text) {
    return paint("32", text);
  }

  String bad(String text) {
    return paint("31", text);
  }

  String accent(String text) {
    return paint("36", text);
  }

  /** A bar of {@code columns}, filled to {@code share}; green from 98.5 %. */
  String bar(double share, int columns) {
    int halves = (int) Math.round(Math.clamp(share, 0, 1) * columns * 2);
    String filled = glyphs.full().repeat(halves / 2) + (halves % 2 == 1 ? glyphs.half() : "");
    String rest = glyphs.rest().repeat(columns - (halves + 1) / 2);
    return (share >= 0.985 ? good(filled) : accent(filled)) + dim(rest);
  }

  private String paint(String code, String text) {
    return colour && !text.isEmpty() ? "\u001b[" + code + "m" + text + "\u001b[0m" : text;
  }
}
