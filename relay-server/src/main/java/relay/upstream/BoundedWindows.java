package relay.upstream;

import java.io.IOException;
import java.lang.reflect.Field;
import okhttp3.Call;
import okhttp3.Connection;
import okhttp3.Route;
import okhttp3.internal.connection.ConnectionListener;
import okhttp3.internal.connection.RealConnection;
import okhttp3.internal.http2.Http2Connection;
import okhttp3.internal.http2.Settings;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Bounds what an HTTP/2 stream may buffer for a client that does not read. OkHttp permits 16 MiB,
 * and has no setting for it.
 */
class BoundedWindows extends ConnectionListener {
  /** Passes 5 MB a second over a round trip of 50 ms. */
  static final int WINDOW = 256 * 1024;

  private static final Logger log = LoggerFactory.getLogger(BoundedWindows.class);
  private static final @Nullable Field CONNECTION = find();

  private static @Nullable Field find() {
    try {
      Field field = RealConnection.class.getDeclaredField("http2Connection");
      field.setAccessible(true);
      return field;
    } catch (ReflectiveOperationException | RuntimeException e) {
      log.warn(
          "this OkHttp has no RealConnection.http2Connection: a stream over HTTP/2 whose client"
              + " does not read buffers up to 16 MiB");
      return null;
    }
  }

  /** Before the connection's first request. */
  @Override
  public void connectEnd(Connection connection, Route route, Call call) {
    try {
      if (CONNECTION != null && CONNECTION.get(connection) instanceof Http2Connection http2) {
        http2.setSettings(new Settings().set(Settings.INITIAL_WINDOW_SIZE, WINDOW));
      }
    } catch (IOException e) {
      return; // the connection broke: its first request will tell
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e); // cannot happen: setAccessible was called
    }
  }
}
