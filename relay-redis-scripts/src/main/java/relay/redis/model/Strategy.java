package relay.redis.model;

import java.util.Arrays;

/** How to choose among the keys of the highest priority that can carry a request. */
public enum Strategy {
  /** The key whose fullest dimension is the least full. */
  LEAST_LOADED(1),
  /** The key that was chosen the longest time ago. */
  ROUND_ROBIN(2),
  /** A random key, with equal chances. */
  RANDOM(3),
  /** In turn, in proportion to the weights. A key of weight 0 serves only when no other can. */
  WEIGHTED(4);

  private final int code;

  Strategy(int code) {
    this.code = code;
  }

  /** By {@link #code}; {@link #LEAST_LOADED} if there is no such code. */
  public static Strategy of(long code) {
    return Arrays.stream(values())
        .filter(strategy -> strategy.code == code)
        .findFirst()
        .orElse(LEAST_LOADED);
  }

  /** The number that stands for it in Redis. */
  public int code() {
    return code;
  }
}
