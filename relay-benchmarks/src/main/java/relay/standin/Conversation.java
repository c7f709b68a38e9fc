package relay.standin;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;

/** A connection with sequential requests. The pacer writes paced streams. */
final class Conversation {
  private static final int BUFFER_BYTES = 4 << 10;

  private final SocketChannel channel;
  private final Outlet outlet;
  private final Pacer pacer;
  private ByteBuffer in = ByteBuffer.allocate(BUFFER_BYTES);
  private @Nullable RequestHead head;

  Conversation(SocketChannel channel, SelectionKey key, Pacer pacer) {
    this.channel = channel;
    this.outlet = new Outlet(channel, key);
    this.pacer = pacer;
  }

  void ready(SelectionKey key, Frames frames) throws IOException {
    if (key.isWritable()) {
      outlet.writable();
    }
    if (key.isReadable()) {
      read(frames);
    }
  }

  private void read(Frames frames) throws IOException {
    while (true) {
      int room = in.remaining();
      int came = channel.read(in);
      if (came < 0) {
        throw new EOFException();
      }
      answer(frames);
      if (came < room) {
        return; // no more bytes in the socket
      }
    }
  }

  /** Answers complete requests and makes room for the rest. */
  private void answer(Frames frames) throws IOException {
    while (in.position() > 0) {
      if (head == null) {
        head = RequestHead.read(in.duplicate().flip());
      }
      int needed = head == null ? 2 * in.position() : head.headBytes() + head.bodyBytes();
      if (head == null || in.position() < needed) {
        if (in.capacity() < needed) {
          in = ByteBuffer.allocate(needed).put(in.flip());
        }
        return;
      }
      in.flip().position(needed);
      in.compact();
      RequestHead asked = head;
      head = null;
      write(asked, frames);
    }
  }

  private void write(RequestHead asked, Frames frames) throws IOException {
    if (asked.events() < 0) {
      outlet.write(frames.json());
      return;
    }
    outlet.write(frames.streamHead());
    for (ByteBuffer event : frames.beginning()) {
      outlet.write(event);
    }
    if (asked.intervalMillis() > 0) {
      pacer.add(new PacedStream(this, asked.events(), asked.intervalMillis()));
      return;
    }
    for (int n = 0; n < asked.events(); n++) {
      outlet.write(frames.content());
    }
    end(frames);
  }

  void content(Frames frames) throws IOException {
    outlet.write(frames.content());
  }

  void end(Frames frames) throws IOException {
    for (ByteBuffer event : frames.end()) {
      outlet.write(event);
    }
    outlet.write(frames.last());
  }

  void close() {
    try {
      channel.close();
    } catch (IOException e) {
      // the connection is being discarded
    }
  }
}
