package relay.redis;

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
  TOKEN_BUCKET
}
