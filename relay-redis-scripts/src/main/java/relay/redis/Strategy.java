package relay.redis;

/** How a key is chosen among those of the highest priority that can carry a request. */
public enum Strategy {
  /** The key whose fullest dimension is the least full. */
  LEAST_LOADED(1),
  /** The key that was chosen the longest time ago. */
  ROUND_ROBIN(2);

  private final int code;

  Strategy(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }
}
