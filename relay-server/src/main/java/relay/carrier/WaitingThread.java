package relay.carrier;

import java.io.IOException;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.xnio.XnioExecutor;

/** A carrier as one that waits for sockets of others. */
public final class WaitingThread {
  private final Carrier carrier;

  WaitingThread(Carrier carrier) {
    this.carrier = carrier;
  }

  /** Itself. */
  public Thread thread() {
    return carrier;
  }

  /** Runs a task itself, soon: it must not block, nor wait for a lock. */
  public void execute(Runnable task) {
    carrier.execute(task);
  }

  /**
   * Likewise, after so many nanoseconds, or a millisecond later.
   *
   * @return what takes it back, if that comes in time
   */
  public Runnable executeAfter(Runnable task, long nanos) {
    XnioExecutor.Key key = carrier.executeAfter(task, nanos, TimeUnit.NANOSECONDS);
    return key::remove;
  }

  /** Runs a task, which may block, on a virtual thread that it carries. */
  public void begin(Runnable task) {
    carrier.begin(task);
  }

  /**
   * Waits for a channel, as its key says, which begins with nothing, until it is closed. On the
   * thread.
   *
   * @param ready is told each time it is ready; it must not block, nor wait for a lock
   */
  public SelectionKey register(SelectableChannel channel, Consumer<SelectionKey> ready)
      throws IOException {
    return carrier.watch(channel, 0, ready::accept);
  }
}
