package relay.redis;

import org.jspecify.annotations.Nullable;

/**
 * What is known of one model: by the fleet, and by this replica alone since it last told the fleet.
 * Thread-safe; what is read is computed when something was learned, not when it is asked for.
 *
 * <p>Few samples are outweighed by a guess: of tokens it is as good as four requests, of outputs as
 * two. So one long output raises the quantile at once, and it takes eighteen short ones to lower
 * it.
 */
final class LearnedModel {
  private static final double GUESSED_TOKENS_PER_BYTE = 0.25;
  private static final double GUESSED_OUTPUT_TOKENS = 500;
  private static final double GUESSED_INPUTS = 4;
  private static final double GUESSED_OUTPUTS = 2;
  private static final double QUANTILE = 0.9;

  private ModelTally fleet = new ModelTally();
  private ModelTally own = new ModelTally();
  private @Nullable ModelTally onItsWay;
  private volatile long sentAt;
  private volatile double tokensPerByte;
  private volatile double outputTokens;

  LearnedModel() {
    compute();
  }

  double tokensPerByte() {
    return tokensPerByte;
  }

  double outputTokens() {
    return outputTokens;
  }

  synchronized void learn(long textBytes, long inputTokens, long usedOutputTokens) {
    own.add(textBytes, inputTokens, usedOutputTokens);
    compute();
  }

  /** Whether there is something to tell the fleet, and nothing on its way. */
  synchronized boolean hasNews() {
    return onItsWay == null && !own.isEmpty();
  }

  /** The turn in which something was last sent; 0 for never. */
  long sentAt() {
    return sentAt;
  }

  /** What the fleet is to be told in this turn; null if nothing. */
  synchronized @Nullable ModelTally send(long turn) {
    if (!hasNews()) {
      return null;
    }
    sentAt = turn;
    onItsWay = own;
    own = new ModelTally();
    return onItsWay.copy();
  }

  /** What the fleet knows, which includes what was on its way. */
  synchronized void merged(ModelTally all) {
    onItsWay = null;
    fleet = all;
    compute();
  }

  /** Likewise, when nothing of this model had been sent with the question. */
  synchronized void told(ModelTally all) {
    fleet = all;
    compute();
  }

  /** Whether it arrived is not known: it is not sent again, so it cannot count twice. */
  synchronized void lost() {
    if (onItsWay != null) {
      fleet.add(onItsWay);
      onItsWay = null;
    }
  }

  /** It was not sent at all. */
  synchronized void unsent() {
    if (onItsWay != null) {
      onItsWay.add(own);
      own = onItsWay;
      onItsWay = null;
    }
  }

  private void compute() {
    ModelTally all = fleet.copy();
    if (onItsWay != null) {
      all.add(onItsWay);
    }
    all.add(own);
    double seen = all.bytes > 0 ? all.tokens / all.bytes : GUESSED_TOKENS_PER_BYTE;
    tokensPerByte =
        (all.samples * seen + GUESSED_INPUTS * GUESSED_TOKENS_PER_BYTE)
            / (all.samples + GUESSED_INPUTS);
    all.outputs[OutputBuckets.of((long) GUESSED_OUTPUT_TOKENS)] += GUESSED_OUTPUTS;
    outputTokens =
        all.isEmpty() ? GUESSED_OUTPUT_TOKENS : OutputBuckets.quantile(all.outputs, QUANTILE);
  }
}
