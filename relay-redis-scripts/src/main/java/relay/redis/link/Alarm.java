package relay.redis.link;

/** Runs callbacks later. */
@FunctionalInterface
public interface Alarm {
  /** Returns an action that cancels the callback. */
  Runnable in(long nanos, Runnable callback);
}
