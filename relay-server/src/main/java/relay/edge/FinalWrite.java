package relay.edge;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.xnio.ChannelListener;
import org.xnio.channels.StreamSinkChannel;

/**
 * Writes the end of an answer in parts, on the I/O thread, as the socket takes it. The last bytes
 * and the terminating chunk leave in one write.
 */
final class FinalWrite implements ChannelListener<StreamSinkChannel> {
  private final ByteBuffer rest;
  private final Runnable onEnd;
  private final Runnable onFailure;

  FinalWrite(ByteBuffer rest, Runnable onEnd, Runnable onFailure) {
    this.rest = rest;
    this.onEnd = onEnd;
    this.onFailure = onFailure;
  }

  @Override
  public void handleEvent(StreamSinkChannel sink) {
    try {
      while (rest.hasRemaining()) {
        if (sink.writeFinal(rest) == 0) {
          goOnWhenWritable(sink);
          return;
        }
      }
      sink.shutdownWrites();
      if (sink.flush()) {
        sink.suspendWrites();
        onEnd.run();
      } else {
        goOnWhenWritable(sink);
      }
    } catch (IOException e) {
      onFailure.run();
    }
  }

  private void goOnWhenWritable(StreamSinkChannel sink) {
    sink.getWriteSetter().set(this);
    sink.resumeWrites();
  }
}
