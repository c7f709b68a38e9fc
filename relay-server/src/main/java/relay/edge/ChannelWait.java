package relay.edge;

import java.util.concurrent.locks.LockSupport;
import org.xnio.channels.StreamSinkChannel;
import org.xnio.channels.StreamSourceChannel;

/**
 * Parks a virtual thread until a channel is ready or closed. XNIO's own blocking waits would block
 * the carrier thread. A wake-up may be spurious: the caller tries again.
 */
final class ChannelWait {
  private final Thread waiting = Thread.currentThread();
  private volatile boolean open;

  private ChannelWait() {}

  static void awaitReadable(StreamSourceChannel channel, ClientClosing closing, long mostNanos) {
    ChannelWait gate = new ChannelWait();
    channel
        .getReadSetter()
        .set(
            ready -> {
              ready.suspendReads();
              gate.open();
            });
    channel.resumeReads();
    gate.pass(closing, mostNanos);
  }

  static void awaitWritable(StreamSinkChannel channel, ClientClosing closing, long mostNanos) {
    ChannelWait gate = new ChannelWait();
    channel
        .getWriteSetter()
        .set(
            ready -> {
              ready.suspendWrites();
              gate.open();
            });
    channel.resumeWrites();
    gate.pass(closing, mostNanos);
  }

  private void open() {
    open = true;
    LockSupport.unpark(waiting);
  }

  /** XNIO reports no readiness when the connection is closed on this side: {@code closing} does. */
  private void pass(ClientClosing closing, long mostNanos) {
    boolean mayWait = closing.begin();
    if (mayWait && !open) {
      LockSupport.parkNanos(this, mostNanos);
    }
    closing.end();
  }
}
