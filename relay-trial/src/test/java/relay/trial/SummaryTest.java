package relay.trial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import relay.trial.Style.Glyphs;
import relay.trial.TrialResult.AccountResult;
import relay.trial.load.LoadTally;
import relay.trial.load.RetryProbe.Outcome;
import relay.trial.provider.Flow;

class SummaryTest {
  private static final LoadTally.Counts LOAD =
      new LoadTally.Counts(
          13_050, 9_325, List.of(4_665L, 4_660L), 3_725, 3_725, 0, 0, 900, 300, 0, 12, "");
  private static final Outcome EXACT = new Outcome(5, 5, 5, 5);

  @Test
  void says_what_was_measured_and_that_the_promise_holds() {
    assertEquals(
        """

          used share      requests     input    output   by the provider's log
          acme              99.5 %    74.6 %    49.7 %
          initech           72.0 %    99.1 %    43.3 %

          ✓ capacity used      99.1 %   least of the limits that bind; promised 99 %
          ✓ provider 429s           0   of 9,325 requests that went to it
          ✓ relay 429s          3,725   all with retry-after-ms
          ✓ exact to a slot    5 of 5   granted at it; 5 of 5 refused one slot before
          ✓ errors                  0
            throughput          373/s   9,325 granted of 13,050 sent
            longest pause       12 ms   of the pool's flow; of any key's 41 ms
            each second     366 to 381 granted
            replicas        50.0 : 50.0 %
            keys            53.5 : 46.5 %
            measured           15.0 s   3 windows, after 12.5 s to fill the pool

          ✓ The promise holds.
        """,
        drawn(measured(0.9951, 0.9912, 0, LOAD, EXACT)));
  }

  @Test
  void names_each_part_that_did_not_hold() {
    LoadTally.Counts bad =
        new LoadTally.Counts(10, 5, List.of(3L, 2L), 4, 3, 0, 1, 0, 0, 0, 0, "status 502: no");
    TrialResult measured = measured(0.9951, 0.98999, 2, bad, EXACT);
    assertFalse(measured.promiseHolds());
    String text = drawn(measured);
    assertTrue(text.contains("✗ capacity used      98.9 %"), text);
    assertTrue(
        text.endsWith(
            "✗ The promise did not hold: capacity was left unused; the provider had to say 429;"
                + " retry-after was not exact; requests failed.\n"),
        text);
    assertTrue(text.contains("first: status 502: no"), text);
  }

  @Test
  void says_when_the_machine_itself_had_no_time() {
    LoadTally.Counts late =
        new LoadTally.Counts(10, 10, List.of(5L, 5L), 0, 0, 0, 0, 0, 0, 0, 251, "");
    assertTrue(drawn(measured(0.98, 1, 0, late, EXACT)).contains("251 ms late"));
    assertFalse(drawn(measured(1, 1, 0, late, EXACT)).contains("late"));
    assertFalse(drawn(measured(0.98, 1, 0, LOAD, EXACT)).contains("late"));
  }

  @Test
  void an_unfinished_or_early_granted_probe_breaks_the_promise() {
    assertTrue(measured(1, 1, 0, LOAD, EXACT).promiseHolds());
    assertFalse(measured(1, 1, 0, LOAD, new Outcome(4, 4, 4, 5)).promiseHolds());
    assertFalse(measured(1, 1, 0, LOAD, new Outcome(5, 5, 4, 5)).promiseHolds());
    assertFalse(measured(1, 1, 0, LOAD, new Outcome(5, 4, 5, 5)).promiseHolds());
  }

  @Test
  void no_line_is_wider_than_the_terminal() {
    for (int width : new int[] {72, 80, 100}) {
      LoadTally.Counts wordy =
          new LoadTally.Counts(1, 1, List.of(1L), 0, 0, 0, 1, 0, 0, 0, 0, "why ".repeat(100));
      Style style = new Style(false, Glyphs.UNICODE, width);
      for (String line : new Summary(style).draw(measured(1, 1, 0, wordy, EXACT))) {
        assertTrue(line.length() <= width, width + ": " + line);
      }
    }
  }

  @Test
  void the_flow_is_that_of_whole_seconds() {
    long second = 1_000_000_000L;
    long[] grants = {0, 2, second / 2, second + 1, 3 * second + 4, 4 * second - 1, 4 * second};
    assertEquals(
        new Flow(Duration.ofNanos(2 * second + 3), 0, 3),
        Flow.of(grants, 0, 4 * second + second / 2));
    assertEquals(new Flow(Duration.ofSeconds(3), 0, 0), Flow.of(new long[0], second, 4 * second));
  }

  @Test
  void figures_read_well() {
    assertEquals("9.5k", Figures.tokens(9_599));
    assertEquals("148k", Figures.tokens(148_999));
    assertEquals("2.0M", Figures.tokens(2_000_000));
    assertEquals("98.9 %", Figures.percent(0.98999));
    assertEquals("99.0 %", Figures.percent(0.99));
    assertEquals("12,345", Figures.count(12_345));
  }

  private static TrialResult measured(
      double acme, double initech, long provider429, LoadTally.Counts load, Outcome probes) {
    return new TrialResult(
        Duration.ofSeconds(15),
        Duration.ofMillis(12_500),
        Duration.ofSeconds(5),
        List.of(
            new AccountResult("acme", acme, 0.7462, 0.4975, 1741, Duration.ofMillis(41)),
            new AccountResult("initech", 0.72, initech, 0.433, 1512, Duration.ofMillis(40))),
        provider429,
        load,
        probes,
        Duration.ofSeconds(25),
        new Flow(Duration.ofMillis(12), 366, 381));
  }

  private static String drawn(TrialResult measured) {
    List<String> lines = new Summary(new Style(false, Glyphs.UNICODE, 80)).draw(measured);
    return String.join("\n", lines) + "\n";
  }
}
