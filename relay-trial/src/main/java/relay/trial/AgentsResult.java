package relay.trial;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import relay.trial.AgentsPlan.Pool;

/**
 * What a run with agents measured, pool by pool.
 *
 * @param errors of all answers, but 429s
 */
record AgentsResult(List<PoolResult> pools, long errors, String firstError) {
  /** Less shows a fault: some 370 answers of log-normal sizes vary by 7 % in sum. */
  private static final double LEAST_USED = 0.8;

  private static final double MOST_REFUSED = 0.01;

  AgentsResult {
    pools = List.copyOf(pools);
  }

  /**
   * @param used share of the limit, by the provider's log, in the measured time
   * @param sent requests that reached the provider in that time
   * @param refused how many of them it refused
   * @param refusedBefore 429s of the provider before that time
   */
  record PoolResult(Pool pool, double used, long sent, long refused, long refusedBefore) {
    boolean holds() {
      return used >= LEAST_USED && refused <= MOST_REFUSED * sent;
    }
  }

  boolean holds() {
    return errors == 0 && pools.stream().allMatch(PoolResult::holds);
  }

  /** The result as text: the two accountings side by side. */
  List<String> draw(Style style) {
    List<String> lines = new ArrayList<>();
    lines.add("");
    lines.add(
        "  "
            + style.bold(Figures.left("the provider's bucket holds", 30))
            + style.dim(Figures.right("sliding_window", 22) + Figures.right("token_bucket", 22)));
    for (double bucket : new double[] {1, AgentsPlan.SIXTH}) {
      lines.add("  " + (bucket == 1 ? "the whole limit" : "a sixth of the limit"));
      lines.add(row(style, "  used share of the limit", bucket, r -> Figures.percent(r.used())));
      lines.add(
          row(
              style,
              "  429s of the provider",
              bucket,
              r -> r.refused() + " of " + Figures.count(r.sent())));
      lines.add(
          row(style, "  429s while it was learned", bucket, r -> Long.toString(r.refusedBefore())));
    }
    lines.add("");
    if (errors > 0) {
      lines.add("  " + style.bad(errors + " answers failed; first: " + firstError));
    }
    lines.add(
        "  "
            + (holds()
                ? style.good(style.glyphs().good() + " Both use what the provider admits.")
                : style.bad(
                    String.format(
                        Locale.ROOT,
                        "%s Expected: %.0f %% used, 429s for at most %.0f %%, no failed answer.",
                        style.glyphs().bad(),
                        100 * LEAST_USED,
                        100 * MOST_REFUSED))));
    if (!holds()) {
      lines.add("  A busy machine cannot offer the load: try again when it is idle.");
    }
    return lines;
  }

  private String row(Style style, String label, double bucket, Function<PoolResult, String> text) {
    StringBuilder line = new StringBuilder("  " + style.dim(Figures.left(label, 30)));
    pools.stream()
        .filter(result -> result.pool().bucket() == bucket)
        .forEach(result -> line.append(Figures.right(text.apply(result), 22)));
    return line.toString();
  }
}
