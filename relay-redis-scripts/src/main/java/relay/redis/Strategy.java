package relay.redis;

/** How a key is chosen among those of the highest priority that can carry a request. */
public enum Strategy {
  /** The key whose fullest dimension is the least full. */
  LEAST_LOADED(1),
  /** The key that was chosen the longest time ago. */
  ROUND_ROBIN(2),
  /** Any, with equal chances. */
  RANDOM(3),
  /** In turn, each as often as its weight says; a key of weight 0 only if no other can serve. */
  WEIGHTED(4);

  private final int code;

  Strategy(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }
}
