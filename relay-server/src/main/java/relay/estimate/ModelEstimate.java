package relay.estimate;

/**
 * What one model's requests use: tokens for a byte of text as a decaying mean (it covers cached
 * input, too, which does not count), output as a running 90th percentile.
 *
 * <p>The percentile is found by steps: up nine parts when an answer was longer, down one when it
 * was not, so it rests where one in ten is longer. A step is relative, which suits lengths that
 * spread over orders of magnitude.
 */
final class ModelEstimate {
  private static final double FIRST_TOKENS_PER_BYTE = 0.25;
  private static final double MEAN_WEIGHT = 0.05;
  private static final double QUANTILE = 0.9;
  private static final double STEP = 0.1;
  private static final double FIRST_OUTPUT = 500;
  private static final double MAX_OUTPUT = 1e6;

  private double tokensPerByte = FIRST_TOKENS_PER_BYTE;
  private double output = FIRST_OUTPUT;
  private boolean learned;

  synchronized long inputTokens(long textBytes) {
    return 1 + (long) Math.ceil(textBytes * tokensPerByte);
  }

  synchronized long outputTokens() {
    return (long) Math.ceil(output);
  }

  synchronized void learn(long textBytes, long inputTokens, long outputTokens) {
    if (textBytes > 0) {
      double seen = Math.min(10, (double) inputTokens / textBytes);
      tokensPerByte = learned ? tokensPerByte + MEAN_WEIGHT * (seen - tokensPerByte) : seen;
    }
    double longer = outputTokens > output ? QUANTILE : QUANTILE - 1;
    output = Math.clamp(output * Math.exp(STEP * longer), 1, MAX_OUTPUT);
    learned = true;
  }
}
