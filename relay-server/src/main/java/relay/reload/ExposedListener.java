package relay.reload;

import org.jspecify.annotations.Nullable;
import relay.config.ServerConfig;
import relay.config.ServerConfig.Auth;

/**
 * A file is judged as a whole, but its addresses hold from the next start only. So a file that
 * moves the data plane to loopback and drops the clients' credentials is valid, and would open the
 * address that is still listened on to everyone.
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
