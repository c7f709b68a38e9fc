package relay.upstream;

import java.lang.reflect.Field;
import okhttp3.Connection;
import okhttp3.Protocol;
import okhttp3.internal.connection.BufferedSocket;
import okhttp3.internal.connection.RealConnection;
import okio.BufferedSource;
import org.jspecify.annotations.Nullable;

/** What OkHttp has read of a connection and not used yet; it shows it to nobody. */
final class ReadAhead {
  private static final Field SOCKET = field(RealConnection.class, "socket");

  private ReadAhead() {}

  /** A field of OkHttp's own, which another version may not have. */
  static Field field(Class<?> owner, String name) {
    try {
      Field field = owner.getDeclaredField(name);
      field.setAccessible(true);
      return field;
    } catch (NoSuchFieldException e) {
      throw new IllegalStateException("this version of OkHttp is built otherwise", e);
    }
  }

  /** Null if nothing is read ahead for one call: over HTTP/2. */
  static @Nullable BufferedSource of(@Nullable Connection connection) {
    if (connection instanceof RealConnection real && real.protocol() == Protocol.HTTP_1_1) {
      try {
        return ((BufferedSocket) SOCKET.get(real)).getSource();
      } catch (IllegalAccessException e) {
        throw new IllegalStateException(e); // it was made accessible
      }
    }
    return null;
  }

  /**
   * Takes a connection out of use on which the provider sent more than its answer: OkHttp would
   * take the rest for the answer to the next request, which is another client's. To be called when
   * an answer has been read to its end, before the connection is free again.
   */
  static void check(Connection connection) {
    BufferedSource source = of(connection);
    if (source != null && source.getBuffer().size() > 0) {
      ((RealConnection) connection).noNewExchanges();
    }
  }
}
