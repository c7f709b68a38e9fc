package relay.endtoend;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A page with a row for each measurement of a release: ratios within one run, so that rows of
 * different machines compare.
 */
final class RatioLedger {
  private static final String HEAD =
      """
      # Ratios by release

      `relay-benchmarks/run end-to-end` appends a row, also with `--tls`. Relay's and Redis's processor time of a request by that of the driver and the stand-in,
      which do the same in each release; the added p50 by that without Relay. Rows of different machines compare; a row that is a tenth higher than the last
      one for the same provider needs a reason.

      | release, commit | provider | 2 KB | Redis, 2 KB | 50 KB | 30 events | added p50 | script calls, 2 KB | KiB a stream |
      |---|---|--:|--:|--:|--:|--:|--:|--:|
      """;
  private static final Pattern VERSION = Pattern.compile("relay (\\S+) \\(commit ([\\w-]+).*");

  private RatioLedger() {}

  /**
   * Appends a row, of the page beside this report.
   *
   * @param cells what follows the release
   */
  static void append(Path report, Path launcher, String cells) throws IOException {
    Path page = report.resolveSibling("RATIOS.md");
    if (!Files.exists(page)) {
      Files.writeString(page, HEAD);
    }
    String row = "| " + release(launcher) + " | " + cells + " |\n";
    Files.writeString(page, row, StandardOpenOption.APPEND);
  }

  private static String release(Path launcher) throws IOException {
    Process version = new ProcessBuilder(launcher.toString(), "version").start();
    String said = new String(version.getInputStream().readAllBytes(), UTF_8).strip();
    Matcher parts = VERSION.matcher(said);
    return parts.matches() ? parts.group(1) + ", " + parts.group(2) : said;
  }
}
