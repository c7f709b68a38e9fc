package relay.redis.outage;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import relay.redis.model.Demand;
import relay.redis.model.Dimension;
import relay.redis.model.Limits;

/** The amounts that a group may use without Redis at one time, by dimension. Not thread-safe. */
final class Credit {
  private final Map<Dimension, Double> amounts = new EnumMap<>(Dimension.class);
  private long at;

  Credit(long at) {
    this.at = at;
  }

  double of(Dimension d) {
    return amounts.getOrDefault(d, 0.0);
  }

  void take(Demand demand) {
    for (Dimension d : Dimension.values()) {
      amounts.merge(d, (double) -cost(d, demand), Double::sum);
    }
  }

  /** Grows with time, by this share of the limits, up to a twentieth of that. */
  void refill(Limits limits, double share, Duration window, long now) {
    double passed = (double) (now - at) / window.toNanos();
    at = now;
    for (Dimension d : Dimension.values()) {
      double limit = limits.of(d) * share;
      amounts.put(d, Math.min(limit / FairShare.CREDIT_DIVISOR, of(d) + passed * limit));
    }
  }

  static long cost(Dimension d, Demand demand) {
    return switch (d) {
      case REQUESTS -> 1;
      case INPUT_TOKENS -> demand.inputTokens();
      case OUTPUT_TOKENS -> demand.outputTokens();
      case TOTAL_TOKENS -> demand.inputTokens() + demand.outputTokens();
    };
  }
}
