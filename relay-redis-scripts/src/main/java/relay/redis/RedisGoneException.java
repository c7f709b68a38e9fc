package relay.redis;

/** No connection to Redis: the script was not called. */
final class RedisGoneException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  RedisGoneException() {
    super("Redis cannot be reached", null, false, false);
  }
}
