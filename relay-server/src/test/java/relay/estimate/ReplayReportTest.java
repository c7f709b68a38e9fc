package relay.estimate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import relay.estimate.AgentTrace.Request;
import relay.estimate.AgentTrace.Use;
import relay.estimate.EstimateReplay.Dimension;

/**
 * Replays synthetic agent traffic through the estimates. The committed report must match the
 * result.
 */
final class ReplayReportTest {
  private static final Path REPORT = Path.of("../relay-benchmarks/ESTIMATION.md");
  private static final String COMMAND =
      "./mvnw -q test -pl relay-server -am -Dtest=ReplayReportTest"
          + " -Dsurefire.failIfNoSpecifiedTests=false -Dreport.write=true";
  private static final String INTRODUCTION =
      """
      # Estimates of agents' traffic, replayed

      Reservations of requests against their real use. `AgentTrace` generates the traffic
      (20,000 requests a model, always the same). Conversations have a long cached prompt that grows by results of tools, user messages
      and images. The cache forgets one turn in 16. Outputs have a heavy tail: one in a hundred is 13 times the median.
      The traffic is synthetic. It shows the value of learning, not the figures of your traffic.

      - **bounds**: a token for four bytes, and the client's bound of the output (32,000 without one). A gateway
        without learning reserves this.
      - **before learning**: Relay's reservation for an unknown model: a token for four bytes, 300, 500 or 800 of output by its name, less if the client
        allows less.
      - **first 50 requests**, **after learning** (from the 2,000th request on): Relay's reservation as it learns.

      Errors are `(reserved - used) / used`, quantiles over requests. *Lost* is the share of a saturated limit that needless reservations
      hold, each while its request runs (1 s and a second for 60 tokens of output). *Beyond* is the share
      of use without a reservation: it is charged when the request ends.

      The input estimate is proportional to all text. In a cached conversation most turns cost little, and a forgotten cache costs all. So
      the mean is wrong for each single turn and right for their sum. The output reservation is the mean as well: too
      large for most turns, too small for the long ones. A stream reports what it makes, and moves its reservation while it runs; this page does not show that.

      A command writes this page, and a test fails if it differs:
      `{command}`
      """;
  private static final String HEAD =
      """

      ## {dimension} tokens

      | model | reserved by | error p10 | p50 | p90 | lost | beyond |
      |---|---|---:|---:|---:|---:|---:|
      """;
  private static final int REQUESTS = 20_000;
  private static final int LEARNED_FROM = 2_000;
  private static final long SEED = 20_261_125;
  private static final long USUAL_BOUND = 32_000;

  private static List<Request> trace(Use use) {
    return AgentTrace.of(use, REQUESTS, new SplittableRandom(SEED + use.model().hashCode()));
  }

  @Test
  void the_committed_report_matches_the_replay() throws IOException {
    String report = report();
    if (Boolean.getBoolean("report.write")) {
      Files.createDirectories(REPORT.toAbsolutePath().normalize().getParent());
      Files.writeString(REPORT, report);
      System.out.println(report);
    }
    assertEquals(
        report, Files.readString(REPORT), "the report is stale; to rewrite it: " + COMMAND);
  }

  @Test
  void learning_reserves_the_mean_output_and_loses_less_than_bounds() {
    for (Use use : AgentTrace.USES) {
      List<Request> trace = trace(use);
      EstimateReplay learned = EstimateReplay.ofLearned(trace, LEARNED_FROM);
      EstimateReplay bounds =
          EstimateReplay.ofBounds(trace.subList(LEARNED_FROM, trace.size()), USUAL_BOUND);
      // the mean of such a tail lies above two thirds of all
      assertTrue(learned.error(Dimension.OUTPUT, 0.2) < 0, use.model());
      assertTrue(learned.error(Dimension.OUTPUT, 0.4) > 0, use.model());
      for (Dimension d : Dimension.values()) {
        assertTrue(learned.lost(d) < bounds.lost(d), use.model() + " " + d);
      }
    }
  }

  private static String report() {
    StringBuilder out = new StringBuilder(INTRODUCTION.replace("{command}", COMMAND));
    for (Dimension d : Dimension.values()) {
      out.append(HEAD.replace("{dimension}", d == Dimension.INPUT ? "Input" : "Output"));
      for (Use use : AgentTrace.USES) {
        List<Request> trace = trace(use);
        List<Request> later = trace.subList(LEARNED_FROM, trace.size());
        out.append(row(use, "bounds", EstimateReplay.ofBounds(later, USUAL_BOUND), d));
        out.append(row(use, "before learning", EstimateReplay.ofGuesses(later), d));
        out.append(
            row(use, "first 50 requests", EstimateReplay.ofLearned(trace.subList(0, 50), 0), d));
        out.append(row(use, "after learning", EstimateReplay.ofLearned(trace, LEARNED_FROM), d));
      }
    }
    return out.toString();
  }

  private static String row(Use use, String how, EstimateReplay replay, Dimension d) {
    return String.format(
        Locale.ROOT,
        "| %s | %s | %+.0f %% | %+.0f %% | %+.0f %% | %.1f %% | %.1f %% |\n",
        use.model(),
        how,
        100 * replay.error(d, 0.1),
        100 * replay.error(d, 0.5),
        100 * replay.error(d, 0.9),
        100 * replay.lost(d),
        100 * replay.beyond(d));
  }
}
