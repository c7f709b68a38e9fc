package relay.redis.simulation;

import relay.redis.estimate.ModelTally;
import relay.redis.estimate.OutputBuckets;

/**
 * What gateways reserve that take no reports: the output that nine in ten requests do not exceed.
 */
final class LearnedQuantile {
  private static final double SHARE = 0.9;
  private static final long GUESSED = 500;

  private final ModelTally tally = new ModelTally();
  private long quantile = GUESSED;

  long get() {
    return quantile;
  }

  void learn(long tokens) {
    tally.add(0, 0, tokens);
    double[] outputs = tally.outputs.clone();
    outputs[OutputBuckets.of(GUESSED)] += 2;
    quantile = Math.max(1, (long) Math.ceil(OutputBuckets.quantile(outputs, SHARE)));
  }
}
