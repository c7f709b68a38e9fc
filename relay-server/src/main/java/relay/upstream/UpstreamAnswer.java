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

/** A provider's answer: its head, and its body as it comes. */
public final class UpstreamAnswer implements AutoCloseable {
  private static final String EVENT_STREAM = "text/event-stream";

  private final Response response;
  private final BufferedSource source;
  private final IdleWatch.Watched watched;
  private final ConnectionSlots.ConnectionSlot slot;
  private @Nullable ChunkReader chunks;

  /**
   * @param chunks reads the body; null if OkHttp does
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

  /** The HTTP status. */
  public int status() {
    return response.code();
  }

  /** The value of a header, the last if there are several; null if there is none. */
  public @Nullable String header(String name) {
    return response.header(name);
  }

  /** All values of a header, in their order. */
  public List<String> headers(String name) {
    return response.headers(name);
  }

  /**
   * Whether a stream of events follows. A refusal is none, whatever it calls itself: it has no last
   * event that could be missing.
   */
  public boolean isEventStream() {
    String type = header("content-type");
    return status() < 400
        && type != null
        && type.regionMatches(true, 0, EVENT_STREAM, 0, EVENT_STREAM.length());
  }

  /** Shows every header line in turn. */
  public void forEachHeader(HeaderLines.Visitor visitor) {
    Headers headers = response.headers();
    for (int n = 0; n < headers.size(); n++) {
      visitor.line(headers.name(n), headers.value(n));
    }
  }

  /**
   * Bytes of the body; -1 if that is not known beforehand. Of an answer to a HEAD, which has none,
   * what its headers tell.
   */
  public long contentLength() {
    if (!response.request().method().equals("HEAD")) {
      return response.body().contentLength();
    }
    String told = response.header("content-length");
    return told != null && told.matches("\\d{1,18}") ? Long.parseLong(told) : -1;
  }

  /** Reads what has come, waiting for at least one byte; -1 at the end. Blocks. */
  public int read(byte[] buffer, int offset, int length) throws IOException {
    int n = chunks == null ? 0 : chunks.read(buffer, offset, length);
    if (n == 0) {
      n = source.read(buffer, offset, length);
    }
    watched.heard();
    if (n < 0) {
      chunks = null; // nothing more will come
    }
    return n;
  }

  /**
   * Has this thread run a task each time when a {@link #read} may have to wait, until this answer
   * is closed.
   *
   * @return false if that cannot be told of this connection: then any read may wait
   */
  public boolean beforeWaiting(Runnable task) {
    if (response.protocol() != Protocol.HTTP_1_1) {
      return false;
    }
    ReadWait.listen(task);
    return true;
  }

  /**
   * Takes answer bytes in the framing of this connection, HTTP/1.1 chunks, which the client's
   * connection has, too. The reading thread sleeps on. Called by its carrier: must not block, nor
   * wait for a lock.
   */
  public interface DirectSink {

    /**
     * Sends as many bytes as the client takes at once. If that is a part, the sink keeps the rest
     * and sends it before anything else.
     *
     * @param framed whole chunks, backed by an array, of which nothing may be kept
     * @return bytes sent; 0 if the sink takes none now: then it keeps none either
     */
    int send(ByteBuffer framed) throws IOException;
  }

  /** Sees the data that goes to a {@link DirectSink}. Called by the carrier, as that one is. */
  public interface DirectTap {

    /** Whether this data may be sent directly. All data is asked for before any is sent. */
    boolean mayBypass(byte[] bytes, int offset, int length);

    /** This data was sent directly. */
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

  /**
   * Reads the whole body, or its first bytes if it is longer, or what came of it if the provider
   * breaks off. Blocks.
   */
  public byte[] readAtMost(int bytes) {
    Buffer come = source.getBuffer();
    try {
      while (come.size() < bytes && source.request(come.size() + 1)) {
        watched.heard();
      }
    } catch (IOException e) {
      // nothing more will come
    }
    Buffer first = new Buffer();
    first.write(come, Math.min(bytes, come.size()));
    return first.readByteArray();
  }

  /** Whether a {@link #read} failed because the provider sent nothing for the idle timeout. */
  public boolean fellSilent() {
    return watched.wasSilent();
  }

  @Override
  public void close() {
    ReadWait.stop();
    try {
      response.close(); // under watch: the end of a TLS connection is a write, and may have to wait
    } finally {
      watched.close();
      slot.close(); // after its connection is free again, or gone
    }
  }
}
