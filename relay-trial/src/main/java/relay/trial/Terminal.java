package relay.trial;

import java.io.PrintStream;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Redraws in place on a terminal; elsewhere prints a plain line now and then. */
final class Terminal implements AutoCloseable {
  private static final String UP = "\u001b[%dA";
  private static final String CLEAR_LINE = "\u001b[K";
  private static final String CLEAR_BELOW = "\u001b[J";

  /**
   * Hides the cursor and cuts long lines, so that the picture keeps its height on a narrow
   * terminal.
   */
  private static final String LIVE_ON = "\u001b[?25l\u001b[?7l";

  private static final String LIVE_OFF = "\u001b[?7h\u001b[?25h";

  private final PrintStream out;
  private final boolean inPlace;
  private int drawn;
  private boolean live;
  private boolean closed;

  Terminal(PrintStream out, boolean inPlace) {
    this.out = out;
    this.inPlace = inPlace;
  }

  boolean inPlace() {
    return inPlace;
  }

  /** Replaces the last picture. Only on a terminal. */
  synchronized void draw(List<String> picture) {
    if (closed) {
      return;
    }
    StringBuilder text = new StringBuilder();
    if (!live) {
      text.append(LIVE_ON);
      live = true;
    }
    if (drawn > 0) {
      text.append(UP.formatted(drawn));
    }
    picture.forEach(line -> text.append(line).append(CLEAR_LINE).append('\n'));
    text.append(CLEAR_BELOW);
    drawn = picture.size();
    out.print(text);
    out.flush();
  }

  /** Prints a line that stays, below the last picture. */
  synchronized void print(@Nullable String line) {
    settle();
    out.println(line == null ? "" : line);
    out.flush();
  }

  /** Erases the picture; the next output takes its place. */
  synchronized void erase() {
    if (drawn > 0) {
      out.print(UP.formatted(drawn) + CLEAR_BELOW);
    }
    settle();
  }

  /** Restores the cursor and stops drawing. Also runs on Ctrl-C. */
  @Override
  public synchronized void close() {
    settle();
    closed = true;
  }

  private synchronized void settle() {
    if (live) {
      out.print(LIVE_OFF);
      out.flush();
    }
    live = false;
    drawn = 0;
  }
}
