package relay.redis.lease;

import io.lettuce.core.RedisCommandExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import relay.redis.link.RedisLink;
import relay.redis.model.Fallback;

/**
 * Whether Redis must hear of use without it before it may be asked, or it would grant that a second
 * time. Redis runs calls in the order in which they are sent.
 */
public final class OutageDebt {
  private final Fallback fallback;
  private final AtomicReference<State> state = new AtomicReference<>(State.NONE);

  /** Usage that Redis does not know of, because it was away or refused calls. */
  private enum State {
    NONE,
    REFUSED,
    OWED,
    TOLD_NOW
  }

  /**
   * @param fallback what is granted without Redis
   */
  public OutageDebt(Fallback fallback) {
    this.fallback = fallback;
  }

  public Fallback fallback() {
    return fallback;
  }

  /** Redis is away. */
  public void away() {
    if (fallback != Fallback.CLOSED && state.get() != State.OWED) {
      state.set(State.OWED);
    }
  }

  /**
   * A call has failed. If Redis cannot write now, it is not asked before the next heartbeat, and
   * then it is told first: it may have refused a charge and accept the next call.
   */
  public void failed(@Nullable Throwable failure) {
    if (fallback != Fallback.CLOSED
        && failure != null
        && RedisLink.cause(failure) instanceof RedisCommandExecutionException why
        && RedisLink.isUnable(why)) {
      state.set(State.REFUSED);
    }
  }

  /** A heartbeat. */
  public void askAgain() {
    state.compareAndSet(State.REFUSED, State.OWED);
  }

  public boolean isNone() {
    return state.get() == State.NONE;
  }

  /**
   * Whether Redis may be asked.
   *
   * @param tell sends what it must hear first
   * @return false while another thread tells
   */
  public boolean isTold(Runnable tell) {
    if (isNone()) {
      return true;
    }
    if (!state.compareAndSet(State.OWED, State.TOLD_NOW)) {
      return false;
    }
    try {
      tell.run();
      return true;
    } finally {
      state.compareAndSet(State.TOLD_NOW, State.NONE); // unless Redis went away again
    }
  }
}
