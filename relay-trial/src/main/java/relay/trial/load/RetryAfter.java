package relay.trial.load;

import relay.trial.load.PlainConnection.Answer;

/**
 * The time after which a 429 promises that a retry succeeds.
 *
 * @param ms {@code retry-after-ms}, else {@code retry-after}; -1 = it names no time
 * @param wellFormed whether both headers are present and agree: {@code retry-after} is the same
 *     time in whole seconds, rounded up
 */
record RetryAfter(long ms, boolean wellFormed) {
  private static final RetryAfter MISSING = new RetryAfter(-1, false);

  static RetryAfter of(Answer answer) {
    String ms = answer.header("retry-after-ms");
    String seconds = answer.header("retry-after");
    boolean inSeconds = seconds.matches("\\d{1,6}");
    if (ms.matches("\\d{1,9}")) {
      long exact = Long.parseLong(ms);
      return new RetryAfter(
          exact, inSeconds && Long.parseLong(seconds) == Math.ceilDiv(exact, 1000L));
    }
    return inSeconds ? new RetryAfter(1000 * Long.parseLong(seconds), false) : MISSING;
  }
}
