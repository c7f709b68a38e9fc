package relay.redis.model;

import java.util.Arrays;

/** How the limits of a quota group are kept. */
public enum Accounting {
  /**
   * At most the limit in any interval as long as the window, and paced within it. A strict window
   * leaves a part of a limit unused when single requests are large in relation to it.
   */
  SLIDING_WINDOW,
  /**
   * Mirrors a provider's token bucket: the limit's size, refilled steadily. Up to 0.95 of the limit
   * passes at once, and the whole limit in the long run, whatever the requests' size. The window is
   * still counted, for display.
   */
  TOKEN_BUCKET,
  /**
   * Each group begins as {@link #SLIDING_WINDOW}. It follows {@link #TOKEN_BUCKET} from when the
   * provider's answers prove that its limits are refilled steadily, until a refusal contradicts it.
   */
  AUTO;

  /** By {@link #code}; the default if there is no such code. */
  public static Accounting of(long code) {
    return Arrays.stream(values())
        .filter(accounting -> accounting.code() == code)
        .findFirst()
        .orElse(SLIDING_WINDOW);
  }

  /** The number by which the scripts know this accounting. */
  public int code() {
    return switch (this) {
      case SLIDING_WINDOW -> 0;
      case TOKEN_BUCKET -> 1;
      case AUTO -> 2;
    };
  }
}
