package relay.config;

/**
 * The limits of a quota group per window of its pool, and a day; 0 = limit unknown.
 *
 * @param rpm requests
 * @param itpm input tokens
 * @param otpm output tokens
 * @param tpm input and output tokens together
 * @param rpd requests a day
 * @param tpd input and output tokens a day
 */
public record LimitsConfig(long rpm, long itpm, long otpm, long tpm, long rpd, long tpd) {

  /** The largest configurable limit. */
  public static final long MAX = 1_000_000_000_000L;

  /** All limits unknown. */
  public static final LimitsConfig UNKNOWN = new LimitsConfig(0, 0, 0, 0);

  public LimitsConfig {
    check(rpm);
    check(itpm);
    check(otpm);
    check(tpm);
    check(rpd);
    check(tpd);
  }

  /** Limits of a window only. */
  public LimitsConfig(long rpm, long itpm, long otpm, long tpm) {
    this(rpm, itpm, otpm, tpm, 0, 0);
  }

  /** Whether there is a limit in any dimension. */
  public boolean areKnown() {
    return rpm > 0 || itpm > 0 || otpm > 0 || tpm > 0 || rpd > 0 || tpd > 0;
  }

  private static void check(long limit) {
    if (limit < 0 || limit > MAX) {
      throw new IllegalArgumentException("a limit must be in 0.." + MAX);
    }
  }
}
