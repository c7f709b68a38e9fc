package relay.edge;

import io.undertow.connector.ByteBufferPool;
import io.undertow.connector.PooledByteBuffer;
import io.undertow.protocols.http2.AbstractHttp2StreamSourceChannel;
import io.undertow.protocols.http2.Http2Channel;
import io.undertow.protocols.http2.Http2StreamSourceChannel;
import io.undertow.server.Connectors;
import io.undertow.server.HttpServerExchange;
import io.undertow.server.protocol.framed.FrameHeaderData;
import io.undertow.util.AttachmentKey;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.xnio.IoUtils;
import org.xnio.OptionMap;
import org.xnio.StreamConnection;
import relay.reach.FrameHead;
import relay.reach.HeadDecoder;
import relay.reach.ResetStreams;

/**
 * A client's HTTP/2 connection, whose streams may belong to many clients of a balancer. Undertow
 * closes it when a client sends data on a stream that the server has reset. The client may not know
 * of the reset yet, so RFC 9113, section 5.1, asks to ignore that data.
 *
 * <p>Data is given back to the connection's window when it arrives. Undertow gives it back when it
 * is read, so the data of streams that are reset or refused would be lost to all others. Each
 * stream's own window still opens only as its body is read, and Undertow stops reading the
 * connection while 16 buffers of 16 KiB are unread.
 */
final class SharedChannel extends Http2Channel {
  private static final AttachmentKey<SharedChannel> KEY = AttachmentKey.create(SharedChannel.class);
  private static final AttachmentKey<Integer> STREAM = AttachmentKey.create(Integer.class);

  private final Map<Integer, Stream> streams = new ConcurrentHashMap<>();
  private final Runnable onCredential;
  private int newestStream; // of the client; the I/O thread's, as the next
  private @Nullable Http2StreamSourceChannel newestBody;
  private String newestTarget = "";

  private record Stream(ClientClosing closing, @Nullable Http2StreamSourceChannel body) {
    /** The client has reset the stream, or left. */
    void left() {
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
      HeadDecoder heads,
      Runnable onCredential) {
    super(connection, protocol, buffers, first, false, false, options);
    this.onCredential = onCredential;
    heads.replace(this, new SharedHeads());
    ResetStreams.forget(this);
    putAttachment(KEY, this);
    addCloseTask(_ -> streams.values().forEach(Stream::left));
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
    if (channel != null) {
      channel.onCredential.run();
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
    Stream entry = new Stream(closing, newestBody);
    newestBody = null; // only the stream's entry keeps it
    streams.put(stream, entry);
    exchange.putAttachment(STREAM, stream);
    exchange.addExchangeCompleteListener(
        (ended, next) -> {
          streams.remove(stream, entry);
          next.proceed();
        });
    if (!isOpen()) {
      closing.closed();
    }
    return closing;
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

  /** Undertow would begin a request without the header lines of frames that have not arrived. */
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
    boolean incomplete = head.isContinued() && head.stream() > newestStream;
    return incomplete ? null : data;
  }

  /** Of data that was read: it was given back at its arrival. */
  @Override
  public void updateReceiveFlowControlWindow(int read) {}

  /** Wakes the thread that waits for the stream: Undertow does not at each reset. */
  @Override
  public void sendRstStream(int stream, int code) {
    Stream entry = streams.remove(stream);
    super.sendRstStream(stream, code);
    if (entry != null) {
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
    if (head.type() == FrameHead.DATA && head.stream() <= newestStream) {
      return null;
    }
    AbstractHttp2StreamSourceChannel made = super.createChannelImpl(data, bytes);
    if (head.type() == FrameHead.RST_STREAM) {
      Stream entry = streams.remove(head.stream());
      if (entry != null) {
        entry.left();
      }
    } else if (head.stream() > newestStream) {
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
