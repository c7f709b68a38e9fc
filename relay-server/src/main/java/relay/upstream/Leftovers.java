package relay.upstream;

import java.lang.reflect.Field;
import okhttp3.Connection;
import okhttp3.Protocol;
import okhttp3.internal.connection.BufferedSocket;
import okhttp3.internal.connection.RealConnection;

/**
 * Takes connections out of use on which the provider sent more than its answer. OkHttp would take
 * the rest for the answer to the next request, which is another client's; and it shows nobody what
 * it has read ahead, so this looks for itself.
 */
final class Leftovers {
  private static final Field SOCKET = socket();

  private Leftovers() {}

  private static Field socket() {
    try {
      Field field = RealConnection.class.getDeclaredField("socket");
      field.setAccessible(true);
      return field;
    } catch (NoSuchFieldException e) {
      throw new IllegalStateException("this version of OkHttp is built otherwise", e);
    }
  }

  /** To be called when an answer has been read to its end, before the connection is free again. */
  static void check(Connection connection) {
    if (connection instanceof RealConnection real && real.protocol() == Protocol.HTTP_1_1) {
      try {
        if (((BufferedSocket) SOCKET.get(real)).getSource().getBuffer().size() > 0) {
          real.noNewExchanges();
        }
      } catch (IllegalAccessException e) {
        throw new IllegalStateException(e); // it was made accessible
      }
    }
  }
}
