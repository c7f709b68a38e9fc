package relay.upstream;

import java.lang.reflect.Field;
import okhttp3.Connection;
import okhttp3.Protocol;
import okhttp3.internal.connection.BufferedSocket;
import okhttp3.internal.connection.RealConnection;
import okio.BufferedSource;
import org.jspecify.annotations.Nullable;

/**
 * Accesses the bytes that OkHttp has read from a connection but not consumed. OkHttp has no API for
 * it.
 */
final class ReadAhead {
  private static final Field SOCKET = field(RealConnection.class, "socket");

  private ReadAhead() {}

  /** A private field of OkHttp, which other versions may lack. */
  static Field field(Class<?> owner, String name) {
    try {
      Field field = owner.getDeclaredField(name);
      field.setAccessible(true);
      return field;
    } catch (NoSuchFieldException e) {
      throw new IllegalStateException("the internals of this OkHttp version are not supported", e);
    }
  }

  /** The connection's read-ahead buffer; null over HTTP/2, where calls share it. */
  static @Nullable BufferedSource of(@Nullable Connection connection) {
    if (connection instanceof RealConnection real && real.protocol() == Protocol.HTTP_1_1) {
      try {
        return ((BufferedSocket) SOCKET.get(real)).getSource();
      } catch (IllegalAccessException e) {
        throw new IllegalStateException(e); // cannot happen: setAccessible was called
      }
    }
    return null;
  }

  /**
   * Retires a connection if the provider sent more than the answer. OkHttp would read the rest as
   * the answer to the next request, which may be another client's. Call this after reading an
   * answer completely, before the connection is released.
   */
  static void check(Connection connection) {
    BufferedSource source = of(connection);
    if (source != null && source.getBuffer().size() > 0) {
      ((RealConnection) connection).noNewExchanges();
    }
  }
}
