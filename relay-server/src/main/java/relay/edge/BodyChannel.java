package relay.edge;

import io.undertow.server.HttpServerExchange;
import io.undertow.server.protocol.http.HttpServerConnection;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.xnio.channels.StreamSourceChannel;
import relay.body.BodyBuffers;

/**
 * The body of a request, read by one thread. Over HTTP/2 and TLS the I/O thread reads for it: see
 * {@link ConnectionThread}. With TLS over HTTP/1.1 that begins with the first wait: no other thread
 * changes the connection before, and most bodies have arrived whole by then.
 */
final class BodyChannel {
  /** The I/O thread does not block, so it answers much sooner. */
  private static final long MOST_SECONDS = 30;

  private final StreamSourceChannel channel;
  private final ClientClosing closing;
  private final Executor toucher;
  private final boolean alone;
  private boolean here;
  private int lastRead;

  BodyChannel(HttpServerExchange exchange, StreamSourceChannel channel, ClientClosing closing) {
    this.channel = channel;
    this.closing = closing;
    toucher = ConnectionThread.of(exchange);
    alone = ConnectionThread.isAlone(exchange);
    here = alone || exchange.getConnection() instanceof HttpServerConnection;
  }

  /**
   * Reads what has arrived; beside the I/O thread as much as fits, for each call wakes two threads.
   */
  int read(ByteBuffer to) throws IOException {
    if (here) {
      return channel.read(to);
    }
    return onThread(() -> readAll(to));
  }

  private interface Reading<T extends @Nullable Object> {
    T run() throws IOException;
  }

  private <T extends @Nullable Object> T onThread(Reading<T> reading) throws IOException {
    CompletableFuture<T> read = new CompletableFuture<>();
    try {
      toucher.execute(
          () -> {
            try {
              read.complete(reading.run());
            } catch (IOException | RuntimeException | Error e) {
              read.completeExceptionally(e);
            }
          });
      return read.get(MOST_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException | RejectedExecutionException e) {
      throw new IOException("the body cannot be read", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  private int readAll(ByteBuffer to) throws IOException {
    int all = 0;
    int n = 1;
    while (n > 0 && to.hasRemaining()) {
      n = channel.read(to);
      all += Math.max(0, n);
    }
    return all == 0 ? n : all; // the next call finds the end, too
  }

  /**
   * Reads what has arrived into a buffer that is taken where it is read: many threads may wait for
   * the I/O thread, and none holds a buffer meanwhile.
   *
   * @param most bytes
   * @return the bytes, in a buffer to be given back; null if there are none: see {@link #lastRead}
   */
  @Nullable ByteBuffer fill(BodyBuffers bodies, int most) throws IOException {
    if (here) {
      return fillHere(bodies, most);
    }
    return onThread(() -> fillHere(bodies, most));
  }

  private @Nullable ByteBuffer fillHere(BodyBuffers bodies, int most) throws IOException {
    ByteBuffer buffer = bodies.take();
    boolean keep = false;
    try {
      buffer.limit(Math.min(most, buffer.capacity()));
      lastRead = here ? channel.read(buffer) : readAll(buffer);
      keep = lastRead > 0;
      return keep ? buffer.flip() : null;
    } finally {
      if (!keep) {
        bodies.giveBack(buffer);
      }
    }
  }

  /** The bytes that were read last; 0 if none had arrived, negative at the end of the body. */
  int lastRead() {
    return lastRead;
  }

  /** Parks until there may be more to read. */
  void await(long mostNanos) throws IOException {
    here = alone;
    ChannelWait.awaitReadable(channel, closing, mostNanos, toucher);
  }

  /** Whether the client has left, or the stream was reset: its body then seems to end. */
  boolean isClosed() {
    return closing.isClosed();
  }

  /** Nothing more is read by this thread. */
  void stop() {
    toucher.execute(
        () -> {
          channel.getReadSetter().set(null);
          channel.suspendReads();
        });
  }
}
