package relay.reach;

import java.io.OutputStream;
import java.lang.reflect.Field;
import okhttp3.Connection;
import okhttp3.internal.connection.RealConnection;
import okhttp3.internal.http2.Http2Connection;
import okhttp3.internal.http2.Settings;
import org.jspecify.annotations.Nullable;

/**
 * A provider's HTTP/2 connection: how much each stream may send ahead of its reader, and how many
 * streams the provider allows. OkHttp has no setting for the first and does not tell the second.
 */
public final class Http2Streams {
  /** What a stream may send ahead: 5 MB a second at a round trip of 50 ms. */
  static final int WINDOW_BYTES = 256 * 1024;

  private static final @Nullable Field HTTP2 =
      Parts.find(
          "http2_streams",
          "a client that reads slowly may hold 16 MiB of an answer over HTTP/2, and new connections"
              + " may get more streams than the provider allows",
          () ->
              Parts.field(
                  RealConnection.class.getName(), "http2Connection", Http2Connection.class));

  private final Http2Connection connection;

  private Http2Streams(Http2Connection connection) {
    this.connection = connection;
  }

  /** The most bytes of an answer that OkHttp holds for a reader that does not read. */
  public static int windowBytes() {
    return HTTP2 == null ? Http2Connection.OKHTTP_CLIENT_WINDOW_SIZE : WINDOW_BYTES;
  }

  /** The output of a new HTTP/2 connection: it states the bound that {@link #bound} enforces. */
  public static OutputStream stating(OutputStream connection) {
    return HTTP2 == null ? connection : new FirstSettings(connection, WINDOW_BYTES);
  }

  /**
   * Bounds the streams of a new connection, before its first request. The connection's own window
   * stays at 16 MiB: it is shared, and OkHttp opens it again when bytes arrive, not when they are
   * read.
   *
   * @return null if it is no HTTP/2 connection, or cannot be bounded
   */
  public static @Nullable Http2Streams bound(Connection made) {
    if (HTTP2 == null || !(Parts.get(HTTP2, made) instanceof Http2Connection connection)) {
      return null;
    }
    synchronized (connection) { // its lock for them
      connection.getOkHttpSettings().set(Settings.INITIAL_WINDOW_SIZE, WINDOW_BYTES);
    }
    return new Http2Streams(connection);
  }

  /** Whether the provider's SETTINGS have arrived. OkHttp replaces its assumption then. */
  public boolean areStated() {
    return connection.getPeerSettings() != Http2Connection.Companion.getDEFAULT_SETTINGS();
  }

  /** The streams that the provider allows at once; without bound if it states none. */
  public int most() {
    return connection.getPeerSettings().getMaxConcurrentStreams();
  }
}
