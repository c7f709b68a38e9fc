package relay.redis.link;

import io.netty.util.Timeout;
import io.netty.util.Timer;
import io.netty.util.TimerTask;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Lettuce's timer, which it uses while it connects. It needs no thread of its own, which would wake
 * up for each tick for ever: Netty's common one ends when it is idle.
 */
final class HandshakeTimer implements Timer {
  @Override
  public Timeout newTimeout(TimerTask task, long delay, TimeUnit unit) {
    Pending pending = new Pending(task);
    pending.scheduled = GlobalEventExecutor.INSTANCE.schedule(pending::expire, delay, unit);
    return pending;
  }

  /** Cancels nothing: what is due within a second does no harm. */
  @Override
  public Set<Timeout> stop() {
    return Set.of();
  }

  private final class Pending implements Timeout {
    private final TimerTask task;
    private volatile @Nullable Future<?> scheduled;
    private volatile boolean expired;

    Pending(TimerTask task) {
      this.task = task;
    }

    private @Nullable Void expire() throws Exception {
      expired = true;
      task.run(this);
      return null;
    }

    @Override
    public Timer timer() {
      return HandshakeTimer.this;
    }

    @Override
    public TimerTask task() {
      return task;
    }

    @Override
    public boolean isExpired() {
      return expired;
    }

    @Override
    public boolean isCancelled() {
      Future<?> known = scheduled;
      return known != null && known.isCancelled();
    }

    @Override
    public boolean cancel() {
      Future<?> known = scheduled;
      return known != null && known.cancel(false);
    }
  }
}
