package relay.trial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import relay.trial.AgentsPlan.Pool;
import relay.trial.AgentsResult.PoolResult;

/** The result of a run with agents as text, and what it takes to be as expected. */
final class AgentsResultTest {
  private static final Style PLAIN = new Style(false, Style.Glyphs.ASCII, Style.DEFAULT_WIDTH);

  private static AgentsResult result(double used, long refused, long errors) {
    List<Pool> pools = AgentsPlan.pools();
    return new AgentsResult(
        List.of(
            new PoolResult(pools.get(0), 0.967, 1_000, 0, 0),
            new PoolResult(pools.get(1), 0.999, 1_000, 0, 0),
            new PoolResult(pools.get(2), 0.952, 1_000, 1, 7),
            new PoolResult(pools.get(3), used, 1_000, refused, 3)),
        errors,
        errors > 0 ? "status 500" : "");
  }

  @Test
  void both_accountings_stand_side_by_side() {
    assertEquals(
        """

        the provider's bucket holds           sliding_window          token_bucket
        the whole limit
          used share of the limit                     96.7 %                99.9 %
          429s of the provider                    0 of 1,000            0 of 1,000
          429s while it was learned                        0                     0
        a sixth of the limit
          used share of the limit                     95.2 %                98.0 %
          429s of the provider                    1 of 1,000            2 of 1,000
          429s while it was learned                        7                     3

        + Both use what the provider admits.\
        """,
        String.join("\n", result(0.98, 2, 0).draw(PLAIN)).stripIndent());
  }

  @Test
  void unused_capacity_refusals_and_failed_answers_are_not_as_expected() {
    assertTrue(result(0.8, 10, 0).holds());
    assertFalse(result(0.79, 0, 0).holds());
    assertFalse(result(0.98, 11, 0).holds());
    AgentsResult failed = result(0.98, 0, 2);
    assertFalse(failed.holds());
    List<String> drawn = failed.draw(PLAIN);
    assertTrue(
        String.join("\n", drawn).contains("2 answers failed; first: status 500"), drawn.toString());
    assertTrue(drawn.getLast().contains("try again when it is idle"), drawn.toString());
  }
}
