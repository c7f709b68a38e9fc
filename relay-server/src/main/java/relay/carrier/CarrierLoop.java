package relay.carrier;

import java.io.IOException;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.xnio.XnioExecutor;

/** A carrier as the event loop of another library's sockets. */
public final class CarrierLoop {
  private final Carrier carrier;

  CarrierLoop(Carrier carrier) {
    this.carrier = carrier;
  }

  /** The carrier's thread. */
  public Thread thread() {
    return carrier;
  }

  /** Queues a task for the carrier's thread: it must not block, nor wait for a lock. */
  public void execute(Runnable task) {
    carrier.execute(task);
  }

  /**
   * Queues a task after a delay, up to a millisecond late.
   *
   * @return cancels the task, if it has not run
   */
  public Runnable executeAfter(Runnable task, long nanos) {
    XnioExecutor.Key key = carrier.executeAfter(task, nanos, TimeUnit.NANOSECONDS);
    return key::remove;
  }

  /** Runs a task, which may block, on a virtual thread of the carrier. */
  public void begin(Runnable task) {
    carrier.begin(task);
  }

  /**
   * Watches a channel until it is closed. Its key begins without interest ops. To be called on the
   * carrier's thread.
   *
   * @param ready gets the key each time the channel is ready; must not block, nor wait for a lock
   */
  public SelectionKey register(SelectableChannel channel, Consumer<SelectionKey> ready)
      throws IOException {
    return carrier.watch(channel, 0, ready::accept);
  }
}
