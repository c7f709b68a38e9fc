package relay.edge;

import io.undertow.server.HttpServerExchange;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import relay.body.Payload;
import relay.body.Upload;

/**
 * A body that is read as the provider takes it. Bounded in time: only waits for the client count,
 * for the provider may be the slower one.
 */
final class ArrivingBody implements Upload {
  private final HttpServerExchange exchange;
  private final BodyChannel channel;
  private final ClientBounds bounds;
  private final int mostBytes;
  private @Nullable Payload first; // what was read already
  private int firstRead;
  private long received;
  private long waitedNanos;
  private boolean spent;
  private boolean ended;
  private Runnable onEnd = () -> {};
  private @Nullable Fault fault;

  /**
   * @param first bytes of it that were read; null for none
   */
  ArrivingBody(
      HttpServerExchange exchange,
      BodyChannel channel,
      ClientBounds bounds,
      int mostBytes,
      @Nullable Payload first) {
    this.exchange = exchange;
    this.channel = channel;
    this.bounds = bounds;
    this.first = first;
    this.mostBytes = mostBytes;
    received = first == null ? 0 : first.length();
  }

  @Override
  public long length() {
    return exchange.getRequestContentLength();
  }

  @Override
  public int read(byte[] buffer, int offset, int length) throws IOException {
    spent = true;
    Payload known = first;
    if (known != null) {
      int n = Math.min(length, known.length() - firstRead);
      System.arraycopy(known.bytes(), firstRead, buffer, offset, n);
      firstRead += n;
      if (firstRead == known.length()) {
        release();
      }
      return n;
    }
    long waitBegan = waitedNanos;
    while (!ended) {
      int n = receive(buffer, offset, length);
      if (n > 0) {
        received += n;
        if (received > mostBytes) {
          throw failed(Fault.TOO_LARGE);
        }
        return n;
      }
      if (n < 0) {
        end();
      } else if (bounds.guard().foundBroken(exchange)) {
        throw failed(Fault.MALFORMED);
      } else {
        await(waitBegan);
      }
    }
    return -1;
  }

  private int receive(byte[] to, int offset, int length) throws IOException {
    ByteBuffer lent; // direct; no thread waits for the client with it
    try {
      lent = channel.fill(bounds.bodies(), length);
    } catch (IOException e) {
      throw failed(Fault.GONE);
    }
    if (lent != null) {
      lent.get(to, offset, channel.lastRead());
      bounds.bodies().giveBack(lent);
    }
    return channel.lastRead();
  }

  private void end() throws IOException {
    ended = true;
    channel.stop();
    if (channel.isClosed()) {
      throw failed(Fault.GONE);
    }
    if (length() >= 0 && received != length()) { // possible over HTTP/2
      throw failed(Fault.MALFORMED);
    }
    onEnd.run();
  }

  /** Waits for more bytes, or for a while. */
  private void await(long waitBegan) throws IOException {
    long allowed =
        Math.min(
            bounds.patience().toNanos() + BodyReader.earnedNanos(received),
            waitBegan + bounds.stall().toNanos());
    long left = allowed - waitedNanos;
    if (left <= 0) {
      throw failed(Fault.TOO_SLOW);
    }
    long began = System.nanoTime();
    try {
      channel.await(left);
    } catch (IOException e) {
      throw failed(Fault.GONE);
    }
    waitedNanos += System.nanoTime() - began;
  }

  private IOException failed(Fault why) {
    fault = why;
    ended = true;
    exchange.setPersistent(false); // the rest stays unread
    return new IOException("the client's body ended early: " + why);
  }

  /** Runs a task when the last byte was read. */
  void onEnd(Runnable task) {
    onEnd = task;
  }

  /** Whether the last byte was read. */
  boolean isRead() {
    return ended && fault == null;
  }

  @Override
  public int mostBytes() {
    return mostBytes;
  }

  @Override
  public boolean isSpent() {
    return spent;
  }

  @Override
  public @Nullable Fault fault() {
    return fault;
  }

  @Override
  public void release() {
    Payload known = first;
    first = null;
    if (known != null) {
      known.release();
    }
  }
}
