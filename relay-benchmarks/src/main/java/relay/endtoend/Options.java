package relay.endtoend;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The options of a measurement.
 *
 * @param page the report's file
 * @param launcher the command that starts Relay
 * @param rounds rounds; the median counts
 * @param streams concurrent streams
 * @param starts starts; the median counts
 * @param openRuns runs at a fixed rate; the median counts
 * @param share fraction of the full measuring time, from 0 to 1; below 1 no report is written
 * @param wire what the provider speaks; with TLS the report has a name of its own
 */
record Options(
    Path page,
    Path launcher,
    int rounds,
    int streams,
    int starts,
    int openRuns,
    double share,
    ProviderLine wire) {
  private static final String USAGE =
      "options: --rounds N, --streams N (up to 5000), --starts N, --tls h1|h2, --quick (only shows"
          + " that it works)";
  private static final int MOST_STREAMS = 5_000;

  /** Measures and returns the report. */
  @FunctionalInterface
  interface Pages {
    String page(Options options) throws IOException, InterruptedException;
  }

  /**
   * Reads {@code PAGE LAUNCHER [OPTION...]}, measures and prints the report. Writes it unless this
   * is a quick run. Exits with 2 on bad options.
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
    if (options.isFull()) {
      Files.writeString(options.report(), text);
    }
  }

  /** Whether this is no quick run. */
  boolean isFull() {
    return share == 1;
  }

  /** Where the report goes: with TLS beside the usual page. */
  private Path report() {
    String name = page.getFileName().toString();
    return wire.isTls() ? page.resolveSibling(name.replace(".md", "_" + wire + ".md")) : page;
  }

  /** The duration, shortened for a quick run. */
  Duration part(Duration whole) {
    return Duration.ofMillis(Math.round(whole.toMillis() * share));
  }

  /** Reads {@code PAGE LAUNCHER [OPTION...]}. */
  static Options read(String... args) {
    Options options =
        new Options(Path.of(args[0]), Path.of(args[1]), 3, 1_000, 5, 5, 1, ProviderLine.PLAIN);
    for (int n = 2; n < args.length; n++) {
      if (args[n].equals("--quick")) {
        options =
            new Options(
                options.page, options.launcher, 1, options.streams, 1, 1, 0.3, options.wire);
      } else if (args[n].equals("--tls") && n + 1 < args.length) {
        options = options.tls(ProviderLine.named(args[++n]));
      } else if (n + 1 < args.length && args[n + 1].matches("[1-9][0-9]{0,3}")) {
        options = options.with(args[n], Integer.parseInt(args[++n]));
      } else {
        throw new IllegalArgumentException(args[n] + "? " + USAGE);
      }
    }
    return options;
  }

  private Options tls(@Nullable ProviderLine chosen) {
    if (chosen == null || !chosen.isTls()) {
      throw new IllegalArgumentException("--tls? " + USAGE);
    }
    return new Options(page, launcher, rounds, streams, starts, openRuns, share, chosen);
  }

  private Options with(String option, int value) {
    return switch (option) {
      case "--rounds" ->
          new Options(page, launcher, value, streams, starts, Math.max(5, value), share, wire);
      case "--streams" -> {
        if (value > MOST_STREAMS) {
          throw new IllegalArgumentException("at most " + MOST_STREAMS + " streams");
        }
        yield new Options(page, launcher, rounds, value, starts, openRuns, share, wire);
      }
      case "--starts" -> new Options(page, launcher, rounds, streams, value, openRuns, share, wire);
      default -> throw new IllegalArgumentException(option + "? " + USAGE);
    };
  }
}
