package relay.redis;

/** How the limits of a quota group are kept. */
public enum Accounting {
  /**
   * Never more than a limit in any interval as long as the window, and paced within it. A strict
   * window must leave a part of a limit unused when requests are large against it.
   */
  SLIDING_WINDOW,
  /**
   * Mirrors a provider that documents a bucket of the limit's size, refilled steadily: up to 0.95
   * of the limit at once, and all of it in the long run, whatever the requests' size. The window
   * still counts, for people.
   */
  TOKEN_BUCKET
}
