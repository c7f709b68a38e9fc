package relay.edge;

import java.util.concurrent.locks.LockSupport;
import org.xnio.ChannelListener;
import org.xnio.channels.StreamSinkChannel;

/** Opens, and wakes the thread that waits before it, when the channel takes bytes again. */
final class WriteGate implements ChannelListener<StreamSinkChannel> {
  private final Thread waiting;
  private volatile boolean open;

  WriteGate(Thread waiting) {
    this.waiting = waiting;
  }

  @Override
  public void handleEvent(StreamSinkChannel channel) {
    channel.suspendWrites();
    open = true;
    LockSupport.unpark(waiting);
  }

  boolean isOpen() {
    return open;
  }
}
