package relay.edge;

import io.undertow.server.HttpServerExchange;
import io.undertow.util.HeaderValues;
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
import relay.body.Upload;
import relay.carrier.AnswerDate;
import relay.model.Dialect;
import relay.model.HeaderLines;
import relay.pipeline.ClientExchange;
import relay.upstream.UpstreamAnswer.DirectSink;

/**
 * A client's exchange over Undertow.
 *
 * <p>The virtual thread that reads parts of an answer from the provider writes them straight to the
 * socket. While it sleeps, the carrier sends the provider's chunks around Undertow ({@link
 * #send(ByteBuffer)}). The I/O thread writes whole answers and the end of answers in parts: if an
 * exchange ends on another thread, Undertow's read listener spins against it for the next request.
 */
final class UndertowExchange implements ClientExchange, DirectSink {
  private static final byte[] NO_BYTES = {};
  private static final ByteBuffer NONE = ByteBuffer.wrap(NO_BYTES);

  private final HttpServerExchange exchange;
  private final Dialect dialect;
  private final String target;
  private final ClientClosing closing;
  private final ClientBounds bounds;
  private final HeaderNames names;
  private final AnswerDate date;
  private final Executor requests;
  private final RequestMemory memory;
  private final Judgement judgement;
  private @Nullable StreamSinkChannel channel; // of an answer in parts, once begun
  private boolean bodyIsReadable = true; // its framing is not broken
  private @Nullable ArrivingBody upload; // the body, if it passes
  private long left = -1; // bytes of the announced length not written yet; -1 without one
  private ByteBuffer unsent = NONE; // accepted chunks that the client has not taken

  /**
   * The socket for chunks, cached until Undertow writes again. A lookup touches a dozen objects per
   * event, which are in no processor's cache when thousands of streams are open.
   */
  private @Nullable StreamSinkConduit direct;

  /**
   * @param requests runs blocking code
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
    closing = ClientClosing.of(exchange);
    memory = new RequestMemory(bounds.memory());
    target = RequestTarget.of(exchange);
    judgement = new Judgement(exchange);
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
    return exchange.getRequestHeaders().getFirst(names.of(name));
  }

  @Override
  public List<String> headers(String name) {
    HeaderValues values = exchange.getRequestHeaders().get(names.of(name));
    return values == null ? List.of() : values;
  }

  @Override
  public void forEachHeader(HeaderLines.Visitor visitor) {
    for (HeaderValues values : exchange.getRequestHeaders()) {
      String name = values.getHeaderName().toString();
      for (int n = 0; n < values.size(); n++) { // an iterator for each line would be garbage
        visitor.line(name, HeaderText.read(values.get(n)));
      }
    }
  }

  @Override
  public void authenticated(@Nullable String client) {
    judgement.trust();
    if (client != null) {
      memory.of(client);
    }
  }

  @Override
  public Body readBody(int maxBytes) {
    return readBody(maxBytes, null);
  }

  @Override
  public Body readOrPass(int heldBytes, int maxBytes) {
    if (maxBytes <= heldBytes || exchange.getRequestContentLength() > maxBytes) {
      return readBody(maxBytes, null);
    }
    Body body =
        readBody(
            heldBytes,
            (channel, first) -> new ArrivingBody(exchange, channel, bounds, maxBytes, first));
    if (!(body instanceof Body.Passing(ArrivingBody arriving))) {
      return body;
    }
    upload = arriving;
    if (memory.takeForUpload()) {
      return body;
    }
    arriving.release();
    return new Body.NoRoom();
  }

  private Body readBody(int maxBytes, BodyReader.@Nullable Passing passes) {
    if (!memory.take()) {
      exchange.setPersistent(false); // the body stays unread
      return new Body.NoRoom();
    }
    Body body = BodyReader.read(exchange, closing, bounds, maxBytes, passes);
    bodyIsReadable = !(body instanceof Body.Malformed);
    return body;
  }

  @Override
  public void onGone(Runnable callback) {
    Runnable gone = () -> requests.execute(callback);
    if (upload == null) {
      ClientDisconnectWatch.on(exchange, closing, gone);
    } else {
      closing.tell(exchange, gone);
      upload.onEnd(() -> ClientDisconnectWatch.on(exchange, closing, gone));
    }
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
    judgement.answered();
    exchange.setStatusCode(status);
    if (upload != null && !upload.isRead()) {
      exchange.setPersistent(false); // the rest of the body stays unread
    }
    AnswerLines.write(exchange, headers, length, names, date);
  }

  @Override
  public void readAhead(int bytes) {
    memory.readAhead(bytes);
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
    // Flushing the last announced byte would end the exchange on this thread
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
      direct = ChunkSocket.of(exchange);
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
   * @param until end of the wait in {@link System#nanoTime}; 0 before the first wait
   */
  private long awaitWritable(StreamSinkChannel out, long until) throws IOException {
    long now = System.nanoTime();
    long end = until == 0 ? now + bounds.stall().toNanos() : until;
    if (end - now <= 0) {
      throw new IOException("the client has read nothing for idle_timeout_ms");
    }
    if (!memory.takeForStall()) {
      throw new IOException("no memory is left for an answer that the client does not read");
    }
    try {
      ChannelWait.awaitWritable(out, closing, end - now, ConnectionThread.of(exchange));
    } finally {
      memory.endOfStall();
    }
    if (!exchange.getConnection().isOpen()) {
      throw new IOException("the client left");
    }
    return end;
  }

  @Override
  public void end(byte[] bytes, int offset, int length) {
    judgement.answered(); // it may have had no head
    ByteBuffer rest = ByteBuffer.wrap(bytes, offset, length);
    StreamSinkChannel begun = channel;
    onIoThread(
        () -> {
          if (begun == null && !rest.hasRemaining()) {
            exchange.endExchange(); // keeps the content-length of an answer to HEAD
            memory.release(exchange, closing);
          } else if (begun == null) {
            sendWhole(rest);
          } else {
            finish(rest, begun);
          }
        });
  }

  private void sendWhole(ByteBuffer body) {
    if (lingers()) {
      finish(body, exchange.getResponseChannel());
    } else {
      exchange.getResponseSender().send(body);
      boundRest();
    }
  }

  private void finish(ByteBuffer last, StreamSinkChannel out) {
    if (lingers()) {
      memory.release();
      Lingering rest = new Lingering(exchange, bounds.bodies());
      new FinalWrite(last, rest::answered, this::abort).handleEvent(out);
      rest.begin();
    } else {
      new FinalWrite(last, () -> {}, this::abort).handleEvent(out);
      boundRest();
    }
  }

  /** Whether the client may still be sending a body that can be told from what follows it. */
  private boolean lingers() {
    boolean isBroken = upload != null && upload.fault() == Upload.Fault.MALFORMED;
    return bodyIsReadable && !isBroken && Lingering.applies(exchange);
  }

  /** No thread waits for the rest of an answer, so a timer bounds it. */
  private void boundRest() {
    memory.release(exchange, closing);
    ClosingTimer.start(exchange, bounds.stall().toMillis(), TimeUnit.MILLISECONDS);
  }

  @Override
  public void abort() {
    onIoThread(
        () -> {
          memory.release();
          exchange.setPersistent(false);
          if (exchange.isHttp10()) {
            endWillBeReset();
          }
          IoUtils.safeClose(exchange.getConnection());
        });
  }

  /** In HTTP/1.0 the end of the connection ends the answer. A reset shows that it is truncated. */
  private void endWillBeReset() {
    try {
      exchange.getConnection().setOption(Options.CLOSE_ABORT, true);
    } catch (IOException e) {
      // already closed
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
      memory.release(); // the thread has ended, and the connection with it
    }
  }

  /** Closes the connection if the task fails: no other code would answer. */
  private void orClose(Runnable task) {
    try {
      task.run();
    } catch (RuntimeException | Error e) {
      IoUtils.safeClose(exchange.getConnection());
      throw e;
    }
  }
}
