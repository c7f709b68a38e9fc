package relay.redis.lease;

/** Too many requests wait in this process for a call: the script was not called. */
public final class QueueFullException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  QueueFullException() {
    super("too many requests wait for a call of Redis", null, false, false);
  }
}
