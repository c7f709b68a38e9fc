package relay.reach;

import static okhttp3.Protocol.HTTP_1_1;

import java.lang.reflect.Field;
import okhttp3.Connection;
import okhttp3.internal.connection.BufferedSocket;
import okhttp3.internal.connection.RealConnection;
import okio.BufferedSource;
import org.jspecify.annotations.Nullable;

/**
 * Accesses the bytes that OkHttp has read from a connection but not consumed. OkHttp has no API for
 * it.
 */
public final class ReadAhead {
  private static final @Nullable Field SOCKET =
      Parts.find(
          "read_ahead",
          "each request makes a connection to its provider, and streams take more processor time",
          () -> Parts.field(RealConnection.class.getName(), "socket", BufferedSocket.class));

  private ReadAhead() {}

  /** The connection's buffer; null over HTTP/2, where calls share it, or if it is unknown. */
  public static @Nullable BufferedSource of(@Nullable Connection connection) {
    BufferedSocket socket = socket(connection);
    return socket == null ? null : socket.getSource();
  }

  /** Both of the connection's buffers; null as {@link #of}. */
  public static @Nullable BufferedSocket socket(@Nullable Connection connection) {
    return SOCKET != null
            && connection != null
            && connection.protocol() == HTTP_1_1
            && Parts.get(SOCKET, connection) instanceof BufferedSocket socket
        ? socket
        : null;
  }

  /**
   * Retires a connection if the provider sent more than the answer, or if that is unknown. OkHttp
   * would read the rest as the answer to the next request, which may be another client's. Call this
   * after reading an answer completely, before the connection is released.
   */
  public static void check(Connection connection) {
    BufferedSource source = of(connection);
    boolean clean = source == null ? SOCKET != null : source.getBuffer().size() == 0;
    if (!clean && connection instanceof RealConnection real && real.protocol() == HTTP_1_1) {
      real.noNewExchanges();
    }
  }
}
