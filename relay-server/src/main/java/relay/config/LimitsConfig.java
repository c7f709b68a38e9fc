package relay.config;

/**
 * The limits of a quota group per window of its pool; 0 = limit unknown.
 *
 * @param rpm requests
 * @param itpm input tokens
 * @param otpm output tokens
 * @param tpm input and output tokens together
 */
public record LimitsConfig(long rpm, long itpm, long otpm, long tpm) {

  /** The largest configurable limit. */
  public static final long MAX = 1_000_000_000_000L;

  /** All limits unknown. */
  public static final LimitsConfig UNKNOWN = new LimitsConfig(0, 0, 0, 0);

  public LimitsConfig {
    check(rpm);
    check(itpm);
    check(otpm);
    check(tpm);
  }

  /** Whether there is a limit in any dimension. */
  public boolean areKnown() {
    return rpm > 0 || itpm > 0 || otpm > 0 || tpm > 0;
  }

  private static void check(long limit) {
    if (limit < 0 || limit > MAX) {
      throw new IllegalArgumentException("a limit must be in 0.." + MAX);
    }
  }
}
