package relay.redis.link;

/** No connection to Redis: the script was not called. */
public final class RedisGoneException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public RedisGoneException() {
    super("Redis cannot be reached", null, false, false);
  }
}
