package relay.edge;

import java.nio.channels.ClosedChannelException;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.LockSupport;
import org.xnio.channels.StreamSinkChannel;
import org.xnio.channels.StreamSourceChannel;

/**
 * Parks a virtual thread until a channel is ready or closed. XNIO's own blocking waits would block
 * the carrier thread. A wake-up may be spurious: the caller tries again.
 *
 * <p>A wait for a client that has left fails. Undertow forgets an HTTP/2 stream after the head of
 * its last frame, so such a stream does not notice the end of its connection, and reads 0 bytes for
 * ever. A caller that did not wait and tried again would hold the carrier for its whole patience.
 */
final class ChannelWait {
  private final Thread waiting = Thread.currentThread();
  private volatile boolean open;

  private ChannelWait() {}

  /**
   * @param toucher runs what changes the channel's state
   */
  static void awaitReadable(
      StreamSourceChannel channel, ClientClosing closing, long mostNanos, Executor toucher)
      throws ClosedChannelException {
    ChannelWait gate = new ChannelWait();
    toucher.execute(
        () -> {
          channel
              .getReadSetter()
              .set(
                  ready -> {
                    ready.suspendReads();
                    gate.open();
                  });
          channel.resumeReads();
        });
    gate.pass(closing, mostNanos);
  }

  /**
   * @param toucher runs what changes the channel's state
   */
  static void awaitWritable(
      StreamSinkChannel channel, ClientClosing closing, long mostNanos, Executor toucher)
      throws ClosedChannelException {
    ChannelWait gate = new ChannelWait();
    toucher.execute(
        () -> {
          channel
              .getWriteSetter()
              .set(
                  ready -> {
                    ready.suspendWrites();
                    gate.open();
                  });
          channel.resumeWrites();
        });
    gate.pass(closing, mostNanos);
  }

  private void open() {
    open = true;
    LockSupport.unpark(waiting);
  }

  /** XNIO reports no readiness when the connection is closed on this side: {@code closing} does. */
  private void pass(ClientClosing closing, long mostNanos) throws ClosedChannelException {
    if (!closing.begin()) {
      closing.end();
      throw new ClosedChannelException();
    }
    if (!open) {
      LockSupport.parkNanos(this, mostNanos);
    }
    closing.end();
  }
}
