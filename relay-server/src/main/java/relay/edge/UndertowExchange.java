package relay.edge;

import io.undertow.server.HttpServerExchange;
import io.undertow.server.protocol.http.HttpServerConnection;
import io.undertow.util.HeaderValues;
import io.undertow.util.Headers;
import io.undertow.util.HttpString;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.xnio.IoUtils;
import org.xnio.Options;
import org.xnio.channels.StreamSinkChannel;
import org.xnio.conduits.StreamSinkConduit;
import relay.carrier.AnswerDate;
import relay.model.Dialect;
import relay.model.HeaderLines;
import relay.pipeline.ClientExchange;
import relay.upstream.UpstreamAnswer.DirectSink;

/**
 * A client's exchange over Undertow.
 *
 * <p>Parts of an answer are written by the virtual thread that reads them from the provider,
 * straight to the socket. Chunks that the provider made are sent past Undertow by the carrier while
 * that thread sleeps ({@link #send(ByteBuffer)}). Whole answers, and the end of those in parts, are
 * written by the I/O thread: an exchange that ends elsewhere makes Undertow's read listener spin
 * against it for the next request.
 */
final class UndertowExchange implements ClientExchange, DirectSink {
  private static final byte[] NO_BYTES = {};
  private static final ByteBuffer NONE = ByteBuffer.wrap(NO_BYTES);

  private final HttpServerExchange exchange;
  private final Dialect dialect;
  private final String target;
  private final ClientBounds bounds;
  private final HeaderNames names;
  private final AnswerDate date;
  private final Executor requests;
  private @Nullable StreamSinkChannel channel; // of an answer in parts that has begun
  private long left = -1; // of an announced length, not written yet; -1 if none was announced
  private ByteBuffer unsent = NONE; // to be sent before anything else

  /**
   * Where chunks may go, once that is known and until Undertow writes again: to ask it each time is
   * to go through a dozen objects that no processor's cache has, of one of thousands of streams.
   */
  private @Nullable StreamSinkConduit direct;

  /**
   * @param requests runs what may block
   */
  UndertowExchange(
      HttpServerExchange exchange,
      Dialect dialect,
      ClientBounds bounds,
      HeaderNames names,
      AnswerDate date,
      Executor requests) {
    this.exchange = exchange;
    this.dialect = dialect;
    this.bounds = bounds;
    this.names = names;
    this.date = date;
    this.requests = requests;
    String path = exchange.getRequestURI(); // as it came
    String query = exchange.getQueryString();
    target = query.isEmpty() ? path : path + "?" + query;
  }

  @Override
  public String method() {
    return exchange.getRequestMethod().toString();
  }

  @Override
  public Dialect dialect() {
    return dialect;
  }

  @Override
  public String target() {
    return target;
  }

  @Override
  public @Nullable String header(String name) {
    return exchange.getRequestHeaders().getFirst(name);
  }

  @Override
  public List<String> headers(String name) {
    HeaderValues values = exchange.getRequestHeaders().get(name);
    return values == null ? List.of() : values;
  }

  @Override
  public void forEachHeader(HeaderLines.Visitor visitor) {
    for (HeaderValues values : exchange.getRequestHeaders()) {
      String name = values.getHeaderName().toString();
      for (String value : values) {
        visitor.line(name, HeaderText.read(value));
      }
    }
  }

  @Override
  public Body readBody(int maxBytes) {
    return BodyReader.read(exchange, bounds, maxBytes);
  }

  @Override
  public void onGone(Runnable callback) {
    ClientDisconnectWatch.on(exchange, () -> requests.execute(callback));
  }

  @Override
  public void continueOnNewThread(Runnable rest) {
    requests.execute(rest);
  }

  @Override
  public void answer(int status, HeaderLines headers, byte[] body) {
    head(status, headers, body.length);
    onIoThread(() -> sendWhole(ByteBuffer.wrap(body)));
  }

  @Override
  public void begin(int status, HeaderLines headers, long length) {
    head(status, headers, length);
    left = length;
  }

  private void head(int status, HeaderLines headers, long length) {
    exchange.setStatusCode(status);
    headers.forEach(
        (name, value) -> {
          HttpString known = names.ofAny(name);
          if (known != null && HeaderText.mayPass(value)) {
            exchange.getResponseHeaders().add(known, HeaderText.write(value));
          }
        });
    if (!exchange.getResponseHeaders().contains(Headers.DATE)) {
      exchange.getResponseHeaders().put(Headers.DATE, date.now());
    }
    if (length >= 0) {
      exchange.setResponseContentLength(length);
    } else if (exchange.isHttp11() && !exchange.isPersistent()) {
      // To a client that wants its connection closed, and to all while the replica drains, Undertow
      // would tell the answer's end by that of the connection: one that broke off would look whole.
      exchange.getResponseHeaders().put(Headers.TRANSFER_ENCODING, "chunked");
    }
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    ByteBuffer rest = ByteBuffer.wrap(bytes, offset, length);
    StreamSinkChannel out = sink();
    long until = 0;
    while (direct != null && unsent.hasRemaining()) {
      until = direct.write(unsent) == 0 ? awaitWritable(out, until) : 0;
    }
    unsent = NONE;
    direct = null;
    // To flush the last byte that was announced would end the exchange, here
    while (rest.hasRemaining() || (left != 0 && !out.flush())) {
      int n = rest.hasRemaining() ? out.write(rest) : 0;
      if (n == 0) {
        until = awaitWritable(out, until);
      } else {
        left = left < 0 ? left : left - n;
        until = 0;
      }
    }
  }

  @Override
  public void flush() throws IOException {
    if (unsent.hasRemaining()) {
      write(NO_BYTES, 0, 0);
    }
  }

  @Override
  public DirectSink directSink() {
    return this;
  }

  @Override
  public int send(ByteBuffer chunks) throws IOException {
    if (direct == null && channel != null) {
      direct = chunkSocket();
    }
    if (direct == null || unsent.hasRemaining()) {
      return 0;
    }
    int sent = direct.write(chunks);
    if (sent > 0 && chunks.hasRemaining()) {
      unsent = ByteBuffer.allocate(chunks.remaining()).put(chunks).flip();
    }
    return sent;
  }

  /**
   * The socket, beneath all that makes an answer of what is written: of a client of this carrier,
   * without TLS, that has not sent its next request, where chunks are what it gets. It may speak
   * HTTP/1.0, or the status be one without a body.
   */
  private @Nullable StreamSinkConduit chunkSocket() {
    return exchange.isInIoThread()
            && exchange.getConnection() instanceof HttpServerConnection connection
            && connection.getPipelineBuffer() == null
            && ChunkEnd.isReached(connection.getChannel().getSinkChannel().getConduit())
        ? connection.getOriginalSinkConduit()
        : null;
  }

  private StreamSinkChannel sink() throws IOException {
    if (channel == null) {
      channel = exchange.getResponseChannel();
    }
    if (channel == null) {
      throw new IOException("the exchange has been answered");
    }
    return channel;
  }

  /**
   * @param until when this began to wait, and for how long it may; 0 if it has not waited yet
   */
  private long awaitWritable(StreamSinkChannel out, long until) throws IOException {
    long now = System.nanoTime();
    long end = until == 0 ? now + bounds.stall().toNanos() : until;
    if (end - now <= 0) {
      throw new IOException("the client reads nothing");
    }
    ChannelWait.awaitWritable(out, end - now);
    if (!exchange.getConnection().isOpen()) {
      throw new IOException("the client left");
    }
    return end;
  }

  @Override
  public void end(byte[] bytes, int offset, int length) {
    ByteBuffer rest = ByteBuffer.wrap(bytes, offset, length);
    StreamSinkChannel begun = channel;
    onIoThread(
        () -> {
          if (begun == null && !rest.hasRemaining()) {
            exchange.endExchange(); // which leaves the length in the answer to a HEAD as it is
          } else if (begun == null) {
            sendWhole(rest);
          } else {
            new FinalPart(rest, this::abort).handleEvent(begun);
            boundRest();
          }
        });
  }

  private void sendWhole(ByteBuffer body) {
    exchange.getResponseSender().send(body);
    boundRest();
  }

  /** Nobody waits for the rest of an answer, but it may not take for ever. */
  private void boundRest() {
    if (!exchange.isComplete()) {
      var _ =
          exchange
              .getIoThread()
              .executeAfter(
                  () -> {
                    if (!exchange.isComplete()) {
                      IoUtils.safeClose(exchange.getConnection());
                    }
                  },
                  bounds.stall().toMillis(),
                  TimeUnit.MILLISECONDS);
    }
  }

  @Override
  public void abort() {
    onIoThread(
        () -> {
          exchange.setPersistent(false);
          if (exchange.isHttp10()) {
            endWillBeReset();
          }
          IoUtils.safeClose(exchange.getConnection());
        });
  }

  /** In HTTP/1.0 an answer's end is that of the connection: any other would look like it. */
  private void endWillBeReset() {
    try {
      exchange.getConnection().setOption(Options.CLOSE_ABORT, true);
    } catch (IOException e) {
      // it is gone
    }
  }

  private void onIoThread(Runnable task) {
    if (exchange.isInIoThread()) {
      orClose(task);
      return;
    }
    try {
      exchange.getIoThread().execute(() -> orClose(task));
    } catch (RejectedExecutionException e) {
      // the thread has ended, and the connection with it
    }
  }

  /** Nobody else would answer. */
  private void orClose(Runnable task) {
    try {
      task.run();
    } catch (RuntimeException | Error e) {
      IoUtils.safeClose(exchange.getConnection());
      throw e;
    }
  }
}
