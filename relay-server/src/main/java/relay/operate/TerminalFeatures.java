package relay.operate;

import java.io.Console;
import java.io.PrintStream;
import java.util.Map;

/**
 * The abilities of the terminal.
 *
 * @param live a terminal that can be redrawn, not a file or a pipe
 * @param colours ANSI colours
 * @param blocks block characters
 */
record TerminalFeatures(boolean live, boolean colours, boolean blocks) {

  @SuppressWarnings("SystemConsoleNull") // its contract still allows null
  static TerminalFeatures of(PrintStream out, Map<String, String> environment) {
    Console console = System.console();
    boolean live =
        console != null && console.isTerminal() && !"dumb".equals(environment.get("TERM"));
    // https://no-color.org
    boolean colours = live && environment.getOrDefault("NO_COLOR", "").isEmpty();
    return new TerminalFeatures(live, colours, out.charset().newEncoder().canEncode('█'));
  }
}
