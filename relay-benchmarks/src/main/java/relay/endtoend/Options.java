package relay.endtoend;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * How much is measured.
 *
 * @param page the file that is written
 * @param launcher what starts Relay
 * @param rounds of which the median counts
 * @param streams that are open at once
 * @param starts of which the median counts
 * @param openRuns runs at a fixed rate, of which the median counts
 * @param share of the time that each measurement takes, from 0 to 1; below 1 nothing is written
 */
record Options(
    Path page, Path launcher, int rounds, int streams, int starts, int openRuns, double share) {
  private static final String USAGE =
      "options: --rounds N, --streams N (up to 5000), --starts N, --quick (only shows that it"
          + " works)";
  private static final int MOST_STREAMS = 5_000;

  /** What is measured, as a page. */
  @FunctionalInterface
  interface Pages {
    String page(Options options) throws IOException, InterruptedException;
  }

  /**
   * Reads {@code PAGE LAUNCHER [OPTION...]}, measures and prints the page, and writes it unless its
   * figures are from a quick look. Exits with 2 when the options are not understood.
   */
  static void run(Pages measured, String... args) throws IOException, InterruptedException {
    Options options;
    try {
      options = read(args);
    } catch (IllegalArgumentException e) {
      System.err.println(e.getMessage());
      System.exit(2);
      return;
    }
    String text = measured.page(options);
    System.out.print(text);
    if (options.share == 1) {
      Files.writeString(options.page, text);
    }
  }

  /** What is left of this time for a quick look. */
  Duration part(Duration whole) {
    return Duration.ofMillis(Math.round(whole.toMillis() * share));
  }

  /** Reads {@code PAGE LAUNCHER [OPTION...]}. */
  static Options read(String... args) {
    Options options = new Options(Path.of(args[0]), Path.of(args[1]), 3, 1_000, 5, 5, 1);
    for (int n = 2; n < args.length; n++) {
      if (args[n].equals("--quick")) {
        options = new Options(options.page, options.launcher, 1, options.streams, 1, 1, 0.3);
      } else if (n + 1 < args.length && args[n + 1].matches("[1-9][0-9]{0,3}")) {
        options = options.with(args[n], Integer.parseInt(args[++n]));
      } else {
        throw new IllegalArgumentException(args[n] + "? " + USAGE);
      }
    }
    return options;
  }

  private Options with(String option, int value) {
    return switch (option) {
      case "--rounds" ->
          new Options(page, launcher, value, streams, starts, Math.max(5, value), share);
      case "--streams" -> {
        if (value > MOST_STREAMS) {
          throw new IllegalArgumentException("at most " + MOST_STREAMS + " streams");
        }
        yield new Options(page, launcher, rounds, value, starts, openRuns, share);
      }
      case "--starts" -> new Options(page, launcher, rounds, streams, value, openRuns, share);
      default -> throw new IllegalArgumentException(option + "? " + USAGE);
    };
  }
}
