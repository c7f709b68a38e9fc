package relay.operate;

import java.io.Console;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The abilities of the terminal.
 *
 * @param live a terminal that can be redrawn, not a file or a pipe
 * @param colours ANSI colours
 * @param blocks block characters
 * @param columns of the screen; no bound for a file or a pipe
 * @param lines of the screen; likewise
 */
record TerminalFeatures(boolean live, boolean colours, boolean blocks, int columns, int lines) {
  private static final int UNBOUNDED = Integer.MAX_VALUE;
  private static final int USUAL_COLUMNS = 80;
  private static final int USUAL_LINES = 24;
  private static final Pattern SIZE = Pattern.compile("([1-9]\\d{0,4}) ([1-9]\\d{0,4})\\s*");

  /** Not a terminal, for which nothing is drawn or cut. */
  static TerminalFeatures file(boolean blocks) {
    return new TerminalFeatures(false, false, blocks, UNBOUNDED, UNBOUNDED);
  }

  @SuppressWarnings("SystemConsoleNull") // its contract still allows null
  static TerminalFeatures of(PrintStream out, Map<String, String> environment) {
    Console console = System.console();
    boolean live =
        console != null && console.isTerminal() && !"dumb".equals(environment.get("TERM"));
    // https://no-color.org
    boolean colours = live && environment.getOrDefault("NO_COLOR", "").isEmpty();
    boolean blocks = out.charset().newEncoder().canEncode('█');
    if (!live) {
      return file(blocks);
    }
    Matcher size = SIZE.matcher(size());
    return size.matches()
        ? new TerminalFeatures(
            true, colours, blocks, Integer.parseInt(size.group(2)), Integer.parseInt(size.group(1)))
        : new TerminalFeatures(true, colours, blocks, USUAL_COLUMNS, USUAL_LINES);
  }

  /** The same for standard error, which may go elsewhere. */
  static TerminalFeatures ofErrors(PrintStream err, Map<String, String> environment) {
    TerminalFeatures terminal = of(err, environment);
    return terminal.live() && isTerminal("2") ? terminal : file(terminal.blocks());
  }

  /** The JDK cannot tell it of one descriptor. */
  private static boolean isTerminal(String descriptor) {
    try {
      return new ProcessBuilder("test", "-t", descriptor).inheritIO().start().waitFor() == 0;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** Lines and columns of the terminal, which the JDK cannot tell; empty if they are unknown. */
  private static String size() {
    try {
      Process stty =
          new ProcessBuilder("stty", "size")
              .redirectInput(Redirect.INHERIT)
              .redirectError(Redirect.DISCARD)
              .start();
      return new String(stty.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
    } catch (IOException e) {
      return ""; // there is no stty here
    }
  }
}
