package relay.edge;

import java.util.concurrent.locks.LockSupport;
import org.xnio.channels.StreamSinkChannel;
import org.xnio.channels.StreamSourceChannel;

/**
 * Parks a virtual thread until a channel is ready. XNIO's own blocking waits would block the
 * carrier thread. A wake-up may be spurious: the caller tries again.
 */
final class ChannelWait {
  /**
   * XNIO does not wake a waiting thread when the connection is closed on this side, so look this
   * often.
   */
  private static final long LOOK_NANOS = 250_000_000;

  private final Thread waiting = Thread.currentThread();
  private volatile boolean open;

  private ChannelWait() {}

  static void awaitReadable(StreamSourceChannel channel, long mostNanos) {
    ChannelWait gate = new ChannelWait();
    channel
        .getReadSetter()
        .set(
            ready -> {
              ready.suspendReads();
              gate.open();
            });
    channel.resumeReads();
    gate.pass(mostNanos);
  }

  static void awaitWritable(StreamSinkChannel channel, long mostNanos) {
    ChannelWait gate = new ChannelWait();
    channel
        .getWriteSetter()
        .set(
            ready -> {
              ready.suspendWrites();
              gate.open();
            });
    channel.resumeWrites();
    gate.pass(mostNanos);
  }

  private void open() {
    open = true;
    LockSupport.unpark(waiting);
  }

  private void pass(long mostNanos) {
    if (!open) {
      LockSupport.parkNanos(this, Math.min(mostNanos, LOOK_NANOS));
    }
  }
}
