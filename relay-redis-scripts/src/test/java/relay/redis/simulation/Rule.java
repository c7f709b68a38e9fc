package relay.redis.simulation;

import org.jspecify.annotations.Nullable;
import relay.redis.model.Accounting;

/** The compared admission rules. */
enum Rule {
  SLIDING_WINDOW("**`sliding_window`**", Accounting.SLIDING_WINDOW),
  TOKEN_BUCKET("**`token_bucket`**", Accounting.TOKEN_BUCKET),
  TWO_BUCKETS("two-bucket counter", null),
  FIXED_WINDOW("fixed clock window", null),
  GCRA("GCRA alone", null),
  SPLIT("per-process split", null),
  NO_LIMITER("no limiter, retries", null);

  final String title;
  final @Nullable Accounting ours;

  Rule(String title, @Nullable Accounting ours) {
    this.title = title;
    this.ours = ours;
  }

  AdmissionRule gate(int replicas) {
    long limit = SimulatedTraffic.LIMIT;
    if (ours != null) {
      return new ModelRule(ours, limit, SimulatedTraffic.START);
    }
    return new LimiterRule(
        switch (this) {
          case TWO_BUCKETS -> new Limiter.Minutes(limit, true);
          case FIXED_WINDOW -> new Limiter.Minutes(limit, false);
          case GCRA -> new Limiter.Gcra(limit);
          case SPLIT -> new Limiter.Split(limit, replicas);
          default -> new Limiter.None();
        },
        this == SPLIT ? limit / replicas : limit);
  }

  /** The share of the limit that passes at once, for each of three requested limits. */
  double atOnce(double size, int replicas) {
    AdmissionRule gate = gate(replicas);
    long tokens = Math.round(size * SimulatedTraffic.LIMIT);
    long asked = SimulatedTraffic.OVERLOAD * SimulatedTraffic.LIMIT / tokens;
    long passed = 0;
    for (long n = 1; n <= asked; n++) {
      if (gate.admit(SimulatedTraffic.START, n, (int) (n % replicas), AdmissionRule.Ask.of(tokens))
          != null) {
        passed += tokens;
      }
    }
    return (double) passed / SimulatedTraffic.LIMIT;
  }
}
