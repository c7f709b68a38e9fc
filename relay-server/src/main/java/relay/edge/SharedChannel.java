package relay.edge;

import io.undertow.connector.ByteBufferPool;
import io.undertow.connector.PooledByteBuffer;
import io.undertow.protocols.http2.AbstractHttp2StreamSinkChannel;
import io.undertow.protocols.http2.AbstractHttp2StreamSourceChannel;
import io.undertow.protocols.http2.Http2Channel;
import io.undertow.protocols.http2.Http2DataStreamSinkChannel;
import io.undertow.protocols.http2.Http2StreamSourceChannel;
import io.undertow.server.Connectors;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.protocol.framed.FrameHeaderData;
import io.undertow.server.protocol.http.HttpServerConnection;
import io.undertow.util.AttachmentKey;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.xnio.IoUtils;
import org.xnio.OptionMap;
import org.xnio.StreamConnection;
import org.xnio.XnioExecutor;
import relay.reach.FrameHead;
import relay.reach.HeadDecoder;
import relay.reach.QueuedFrames;
import relay.reach.ResetStreams;

/**
 * A client's HTTP/2 connection, whose streams may belong to many clients of a balancer. Undertow
 * closes it when a client sends data or trailers on a stream that the server has reset. The client
 * may not know of the reset yet, so RFC 9113, section 5.1, asks to ignore them.
 *
 * <p>Data is given back to the connection's window when it arrives. Undertow gives it back when it
 * is read, so the data of streams that are reset or refused would be lost to all others. Each
 * stream's own window still opens only as its body is read, and Undertow stops reading the
 * connection while 16 buffers of 16 KiB are unread.
 *
 * <p>Undertow bounds neither the streams that a client opens nor the frames that it does not take.
 * {@link ConnectionStreams} does.
 */
final class SharedChannel extends Http2Channel {
  private static final AttachmentKey<SharedChannel> KEY = AttachmentKey.create(SharedChannel.class);
  private static final AttachmentKey<Integer> STREAM = AttachmentKey.create(Integer.class);
  private static final AttachmentKey<ConnectionStreams.Work> WORK =
      AttachmentKey.create(ConnectionStreams.Work.class);

  /** A client that leaves this many frames unread may be the reason why there is no memory. */
  private static final int FRAMES_THAT_MATTER = 64;

  /** How long a client without a credential may have as many streams as it may. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  /** A client that goes away may still read, and give windows, which a closed socket resets. */
  private static final Duration LAST_READS = Duration.ofSeconds(2);

  private final Map<Integer, Stream> streams = new ConcurrentHashMap<>();
  private final ConnectionStreams open = new ConnectionStreams(this::less);
  private final FrameAllowance allowance;
  private final StreamAccount account;
  private volatile boolean stopped; // reading, for its streams are too many
  private volatile int charged; // bytes
  private XnioExecutor.@Nullable Key patience; // of the I/O thread
  private volatile boolean clientGoesAway; // it opens no more streams
  private boolean leaves; // soon
  private int newestStream; // of the client; the I/O thread's, as the next
  private @Nullable Http2StreamSourceChannel newestBody;
  private String newestTarget = "";

  private record Stream(
      ClientClosing closing, @Nullable Http2StreamSourceChannel body, ConnectionStreams.Work work) {
    /** The client has reset the stream, or left. */
    void left() {
      work.reset();
      closing.closed();
      free();
    }

    /**
     * The stream was reset. Undertow forgets a body at its last frame, so a reset would leave what
     * has arrived of it, and what is still to come of that frame, in the connection's buffers.
     */
    void free() {
      if (body != null) {
        body.setIgnoreForceClose(true);
        IoUtils.safeClose(body);
      }
    }
  }

  SharedChannel(
      StreamConnection connection,
      String protocol,
      ByteBufferPool buffers,
      @Nullable PooledByteBuffer first,
      OptionMap options,
      FrameAllowance allowance,
      StreamAccount account) {
    super(connection, protocol, buffers, first, false, false, options);
    this.allowance = allowance;
    this.account = account;
    HeadDecoder.replace(this, new SharedHeads(lines -> FrameHead.streamOf(lines) <= newestStream));
    ResetStreams.forget(this);
    putAttachment(KEY, this);
    addCloseTask(
        _ -> {
          endPatience();
          streams.values().forEach(Stream::left);
        });
  }

  /**
   * Reports the end of an exchange's stream. To be called by the exchange's first handler: its
   * stream is the newest one then.
   */
  static @Nullable ClientClosing closing(HttpServerExchange exchange) {
    SharedChannel channel = exchange.getConnection().getAttachment(KEY);
    return channel == null ? null : channel.closingOfNewest(exchange);
  }

  /** The exchange's client has shown a credential. */
  static void trust(HttpServerExchange exchange) {
    SharedChannel channel = exchange.getConnection().getAttachment(KEY);
    if (channel == null) {
      return;
    }
    channel.account.trust();
    ConnectionStreams.Work work = exchange.getAttachment(WORK);
    if (work != null) {
      work.known();
    }
  }

  /** The thread that a request began on does nothing more for it. */
  static void returned(HttpServerExchange exchange) {
    if (!(exchange.getConnection() instanceof HttpServerConnection)) {
      ConnectionStreams.Work work = exchange.getAttachment(WORK);
      if (work != null) {
        work.returned();
      }
    }
  }

  /** As {@link RequestFraming#queryStart}. To be called as {@link #closing}. */
  static @Nullable String queryStart(HttpServerExchange exchange) {
    SharedChannel channel = exchange.getConnection().getAttachment(KEY);
    if (channel == null) {
      return null;
    }
    String target = channel.newestTarget;
    int query = target.indexOf('?');
    if (query < 0 || query == target.length() - 1) {
      return query < 0 ? null : "?";
    }
    return target.charAt(query + 1) == '?' ? "??" : null;
  }

  private ClientClosing closingOfNewest(HttpServerExchange exchange) {
    Integer stream = newestStream;
    ClientClosing closing = new ClientClosing();
    ConnectionStreams.Work work = open.begin();
    Stream entry = new Stream(closing, newestBody, work);
    newestBody = null; // only the stream's entry keeps it
    streams.put(stream, entry);
    exchange.putAttachment(STREAM, stream);
    exchange.putAttachment(WORK, work);
    exchange.addExchangeCompleteListener(
        (ended, next) -> {
          streams.remove(stream, entry);
          work.complete();
          next.proceed();
        });
    if (!isOpen()) {
      closing.closed();
    }
    review();
    return closing;
  }

  /** There are fewer streams, or the client is known: from any thread. */
  private void less() {
    if (getIoThread() == Thread.currentThread()) {
      review();
    } else if (stopped || charged > 0 || clientGoesAway) {
      onThread(this::review);
    }
  }

  private void onThread(Runnable task) {
    try {
      getIoThread().execute(task);
    } catch (RejectedExecutionException e) {
      // the thread has ended, and the connection with it
    }
  }

  /**
   * Stops reading while there are too many streams: what the client has sent stays in its socket.
   * Charges what they hold, and closes the connection of a client that takes nothing.
   */
  private void review() {
    if (!isOpen()) {
      return;
    }
    if (open.mayBegin() == stopped) {
      stopped = !stopped;
      if (stopped) {
        suspendReceives();
      }
      if (!stopped || open.mayBegin()) { // an end before stopped was set did not notice it
        stopped = false;
        resumeReceives();
      }
      endPatience();
      if (stopped && !open.isTrusted()) {
        patience =
            getIoThread()
                .executeAfter(this::closeStranger, PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
      }
    }
    int frames = QueuedFrames.of(this);
    int bytes = open.bytes(frames);
    boolean room = bytes == charged || account.holdsStreams(bytes);
    if (room) {
      charged = bytes;
    }
    if (!open.mayOwe(frames) || (!room && frames > FRAMES_THAT_MATTER)) {
      onThread(() -> IoUtils.safeClose(this));
    } else if (clientGoesAway && streams.isEmpty() && !leaves) {
      leaves = true;
      var _ =
          getIoThread()
              .executeAfter(
                  () -> sendGoAway(ERROR_NO_ERROR), LAST_READS.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  private void endPatience() {
    if (patience != null) {
      patience.remove();
      patience = null;
    }
  }

  /** It takes no answer, or has left: a connection that is not read does not notice it. */
  private void closeStranger() {
    if (stopped && !open.isTrusted()) {
      IoUtils.safeClose(this);
    }
  }

  @Override
  protected void queueFrame(AbstractHttp2StreamSinkChannel frame) throws IOException {
    if (frame instanceof Http2DataStreamSinkChannel) { // not the receipt of a setting
      allowance.sent();
    }
    super.queueFrame(frame);
  }

  @Override
  protected synchronized void flushSenders() {
    super.flushSenders();
    review();
  }

  /**
   * Ends the stream of an exchange that was answered before its body had arrived. The client need
   * not send the rest: RFC 9113, section 8.1.
   */
  static void endEarly(HttpServerExchange exchange) {
    SharedChannel channel = exchange.getConnection().getAttachment(KEY);
    Integer stream = exchange.getAttachment(STREAM);
    if (channel != null && stream != null) {
      channel.sendRstStream(stream, ERROR_NO_ERROR);
    }
    Connectors.terminateRequest(exchange);
  }

  /**
   * Undertow would begin a request without the header lines of frames that have not arrived. Of
   * trailers in several frames it may forget the first, which says that the body has ended.
   */
  @Override
  protected @Nullable FrameHeaderData parseFrame(ByteBuffer bytes) throws IOException {
    FrameHeaderData data = super.parseFrame(bytes);
    FrameHead head = FrameHead.of(data);
    if (data == null || head == null) {
      return data;
    }
    if (head.type() == FrameHead.DATA) {
      int ofPadLength = head.isPadded() ? 1 : 0;
      super.updateReceiveFlowControlWindow((int) data.getFrameLength() + ofPadLength);
    }
    if (head.type() == FrameHead.CONTINUATION && head.stream() <= newestStream) {
      FrameHead.endStream(data);
    }
    return head.isContinued() ? null : data;
  }

  /** Does nothing: the window for this data was given back at its arrival. */
  @Override
  public void updateReceiveFlowControlWindow(int read) {}

  /** Wakes the thread that waits for the stream: Undertow does not at each reset. */
  @Override
  public void sendRstStream(int stream, int code) {
    Stream entry = streams.remove(stream);
    super.sendRstStream(stream, code);
    if (entry != null) {
      entry.work.reset();
      entry.closing.streamEnded();
      entry.free();
    }
  }

  @Override
  protected @Nullable AbstractHttp2StreamSourceChannel createChannelImpl(
      FrameHeaderData data, PooledByteBuffer bytes) throws IOException {
    FrameHead head = FrameHead.of(data);
    if (head == null) {
      return super.createChannelImpl(data, bytes);
    }
    if (head.type() == FrameHead.GO_AWAY) { // Undertow would end all streams at once
      clientGoesAway = true;
      review();
      return null;
    }
    boolean mayHaveEnded = head.type() == FrameHead.DATA || head.hasLines();
    if (mayHaveEnded && head.stream() <= newestStream) {
      allowance.wasted();
      return null;
    }
    AbstractHttp2StreamSourceChannel made = super.createChannelImpl(data, bytes);
    if (head.type() == FrameHead.RST_STREAM) {
      Stream entry = streams.remove(head.stream());
      if (entry != null) {
        entry.left();
      }
    } else if (head.hasLines()) {
      newestStream = head.stream();
      newestBody = made instanceof Http2StreamSourceChannel request ? request : null;
      newestTarget = newestBody == null ? "" : target(newestBody);
    }
    return made;
  }

  private static String target(Http2StreamSourceChannel request) {
    String target = request.getHeaders().getFirst(PATH);
    return target == null ? "" : target;
  }
}
