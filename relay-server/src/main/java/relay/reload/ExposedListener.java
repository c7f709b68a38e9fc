package relay.reload;

import org.jspecify.annotations.Nullable;
import relay.config.ServerConfig;
import relay.config.ServerConfig.Auth;

/**
 * A file is judged as a whole, but its addresses hold from the next start only. A file may move the
 * data plane to loopback and drop the clients' credentials. It is valid, but until the restart the
 * old address would be open to everyone.
 */
final class ExposedListener {
  private ExposedListener() {}

  /** Why the file cannot be taken before a restart; null if it can. */
  static @Nullable String fault(ServerConfig running, ServerConfig wanted) {
    boolean opens = wanted.auth() instanceof Auth.Open && !(running.auth() instanceof Auth.Open);
    return opens && !running.listen().isLoopback() && wanted.listen().isLoopback()
        ? ("server.listen: changes only with a restart, and until then %s would be open to everyone"
                + " without server.auth; keep server.auth, and restart")
            .formatted(running.listen())
        : null;
  }
}
