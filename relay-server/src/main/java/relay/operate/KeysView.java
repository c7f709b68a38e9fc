package relay.operate;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintStream;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** What {@code relay keys} shows: once, or again every second. */
final class KeysView {
  private static final String HOME = "\u001b[H";
  private static final String CLEAR_LINE = "\u001b[K\n";
  private static final String CLEAR_BELOW = "\u001b[J";

  private final PoolsAccess pools;
  private final PrintStream out;
  private final TerminalFeatures terminal;
  private final KeysFilter filter;
  private final BooleanSupplier again;

  KeysView(PoolsAccess pools, PrintStream out, TerminalFeatures terminal, KeysFilter filter) {
    this(pools, out, terminal, filter, KeysView::inASecond);
  }

  /**
   * @param again waits until the next picture is due; false ends the watch
   */
  KeysView(
      PoolsAccess pools,
      PrintStream out,
      TerminalFeatures terminal,
      KeysFilter filter,
      BooleanSupplier again) {
    this.pools = pools;
    this.out = out;
    this.terminal = terminal;
    this.filter = filter;
    this.again = again;
  }

  void run(boolean watch, boolean json) throws OperationFailed {
    print(picture(json), watch && !json);
    // A closed pipe (`| head`) shows only as an error of the stream.
    while (watch && !out.checkError() && again.getAsBoolean()) {
      String picture;
      try {
        picture = picture(json);
      } catch (OperationFailed e) {
        if (json) {
          throw e;
        }
        picture = "relay: " + e.text() + "\nTrying again every second.\n";
      }
      print(picture, !json);
    }
  }

  private String picture(boolean json) throws OperationFailed {
    JsonNode shown = filter.apply(ReplicaJson.of(pools.json()));
    return json ? shown + "\n" : new PoolTable(terminal).of(shown);
  }

  private void print(String picture, boolean redraw) {
    if (redraw && terminal.live()) {
      // Overwrite in place: clearing first would flicker.
      out.print(HOME + onScreen(picture).replace("\n", CLEAR_LINE) + CLEAR_BELOW);
    } else {
      out.print(picture);
    }
    out.flush();
  }

  /** A picture that is higher than the screen would move it, and not be redrawn in place. */
  private String onScreen(String picture) {
    List<String> lines = picture.lines().toList();
    int room = terminal.lines() - 1; // the cursor stands below
    if (lines.size() <= room) {
      return picture;
    }
    int shown = Math.max(0, room - 1);
    return String.join("\n", lines.subList(0, shown))
        + "\n  ... and %d lines more: `relay keys` prints all\n".formatted(lines.size() - shown);
  }

  /** Waits for a second; false if the thread is interrupted. */
  static boolean inASecond() {
    try {
      return !new CountDownLatch(1).await(1, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
