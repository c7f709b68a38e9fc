package relay.upstream;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import okhttp3.Headers;
import okhttp3.Protocol;
import okhttp3.Response;
import okio.Buffer;
import okio.BufferedSource;
import org.jspecify.annotations.Nullable;
import relay.model.HeaderLines;
import relay.reach.Http2Streams;

/** A provider's response: the head, and the body as it arrives. */
public final class UpstreamAnswer implements ProviderReply, AutoCloseable {
  private static final String EVENT_STREAM = "text/event-stream";

  /** Direct memory that a TLS connection holds while it is not read: records of both directions. */
  private static final int STALLED_TLS_BYTES = 51 * 1024;

  private final Response response;
  private final BufferedSource source;
  private final IdleWatch.Watched watched;
  private final ConnectionSlots.ConnectionSlot slot;
  private @Nullable ChunkReader chunks;

  /**
   * @param chunks reads the body; null = OkHttp does
   */
  UpstreamAnswer(
      Response response,
      IdleWatch.Watched watched,
      ConnectionSlots.ConnectionSlot slot,
      @Nullable ChunkReader chunks) {
    this.response = response;
    this.watched = watched;
    this.slot = slot;
    this.chunks = chunks;
    watched.heard();
    source = response.body().source();
  }

  @Override
  public int status() {
    return response.code();
  }

  @Override
  public @Nullable String header(String name) {
    return response.header(name);
  }

  @Override
  public List<String> headers(String name) {
    return response.headers(name);
  }

  /**
   * Whether the body is an event stream. An error status never counts as one: it has no final event
   * to wait for.
   */
  public boolean isEventStream() {
    String type = header("content-type");
    return status() < 400
        && type != null
        && type.regionMatches(true, 0, EVENT_STREAM, 0, EVENT_STREAM.length());
  }

  @Override
  public void forEachHeader(HeaderLines.Visitor visitor) {
    Headers headers = response.headers();
    for (int n = 0; n < headers.size(); n++) {
      visitor.line(headers.name(n), headers.value(n));
    }
  }

  /**
   * The length of the body in bytes; -1 if unknown. For a HEAD request, the length stated in the
   * headers.
   */
  public long contentLength() {
    if (!response.request().method().equals("HEAD")) {
      return response.body().contentLength();
    }
    String told = response.header("content-length");
    return told != null && told.matches("\\d{1,18}") ? Long.parseLong(told) : -1;
  }

  /**
   * Waits for the first byte of the body, which the next {@link #read} returns. Blocks.
   *
   * @return false if the body has ended without one
   */
  public boolean awaitFirst() throws IOException {
    boolean come = (chunks != null && chunks.awaitFirst()) || source.request(1);
    watched.heard();
    return come;
  }

  /** Reads available bytes; blocks until there is at least one. Returns -1 at the end. */
  public int read(byte[] buffer, int offset, int length) throws IOException {
    watched.heard();
    watched.reading(true);
    int n;
    try {
      n = chunks == null ? 0 : chunks.read(buffer, offset, length);
      if (n == 0) {
        n = source.read(buffer, offset, length);
      }
    } finally {
      watched.reading(false); // the reader may wait for its client now
    }
    if (n < 0) {
      chunks = null; // end of the body
    }
    return n;
  }

  /** Bytes that the next {@link #read}s find without a wait, at most: framing counts, too. */
  public long arrived() {
    return source.getBuffer().size() + (chunks == null ? 0 : chunks.arrived());
  }

  /**
   * Runs a task on this thread before each {@link #read} that may block, until this answer is
   * closed.
   *
   * @return false if the connection does not support this: then any read may block
   */
  public boolean beforeWaiting(Runnable task) {
    if (response.protocol() != Protocol.HTTP_1_1) {
      return false;
    }
    ReadWait.listen(task);
    return true;
  }

  /** The most bytes that the connection may hold ahead of the {@link #read}s. */
  public int readAhead() {
    if (response.protocol() != Protocol.HTTP_1_1) {
      return Http2Streams.windowBytes();
    }
    return response.handshake() == null ? 0 : STALLED_TLS_BYTES;
  }

  /**
   * Takes answer bytes as HTTP/1.1 chunks, the framing of both this connection and the client's.
   * The reading thread stays parked. Called by its carrier: must not block or wait for a lock.
   */
  public interface DirectSink {

    /**
     * Sends bytes without blocking. After a partial write the sink keeps the rest and sends it
     * before all other data.
     *
     * @param framed complete chunks, backed by an array; must not be kept
     * @return the number of bytes sent; 0 if the sink accepts none now: then it keeps none either
     */
    int send(ByteBuffer framed) throws IOException;
  }

  /** Observes the data sent to a {@link DirectSink}. Called by the carrier, too. */
  public interface DirectTap {

    /** Whether this data may be sent directly. Called for all data before any is sent. */
    boolean mayBypass(byte[] bytes, int offset, int length);

    /** Reports data that was sent directly. */
    void sent(byte[] bytes, int offset, int length);
  }

  /**
   * Lets data that arrives while a {@link #read} waits go directly to the client, if both
   * connections have the same framing.
   */
  public void sendDirectly(DirectSink sink, DirectTap tap) {
    if (chunks != null) {
      chunks.sendDirectly(sink, tap, watched::heard);
    }
  }

  @Override
  public byte[] readAtMost(int bytes) {
    Buffer come = await(bytes);
    Buffer first = new Buffer();
    first.write(come, Math.min(bytes, come.size()));
    return first.readByteArray();
  }

  @Override
  public byte[] peekAtMost(int bytes) {
    chunks = null; // OkHttp has begun to read the body
    Buffer come = await(bytes);
    Buffer first = new Buffer();
    come.copyTo(first, 0, Math.min(bytes, come.size()));
    return first.readByteArray();
  }

  /** Waits until at least this many bytes of the body have arrived, or until it ends. */
  private Buffer await(int bytes) {
    Buffer come = source.getBuffer();
    try {
      while (come.size() < bytes && source.request(come.size() + 1)) {
        watched.heard();
      }
    } catch (IOException e) {
      // the provider broke off: keep the bytes so far
    }
    return come;
  }

  /** Whether a {@link #read} failed because of the idle timeout. */
  public boolean fellSilent() {
    return watched.wasSilent();
  }

  @Override
  public void close() {
    ReadWait.stop();
    try {
      response.close(); // while still watched: closing a TLS connection writes, and may block
    } finally {
      watched.close();
      slot.close(); // after its connection is released or closed
    }
  }
}
