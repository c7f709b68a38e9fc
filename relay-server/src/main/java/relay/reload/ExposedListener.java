package relay.reload;

import org.jspecify.annotations.Nullable;
import relay.config.ServerConfig;
import relay.config.ServerConfig.Auth;

/**
 * Finds a reload that would open the data plane to everyone. A file may move {@code server.listen}
 * to loopback and drop {@code server.auth}. That is valid, but an address changes only with a
 * restart: until then the old address would need no credential.
 */
final class ExposedListener {
  private ExposedListener() {}

  /** The fault of a file that must not be loaded before a restart; null if it may be. */
  static @Nullable String fault(ServerConfig running, ServerConfig wanted) {
    boolean opens = wanted.auth() instanceof Auth.Open && !(running.auth() instanceof Auth.Open);
    return opens && !running.listen().isLoopback() && wanted.listen().isLoopback()
        ? ("server.listen: changes only with a restart, and until then %s would be open to everyone"
                + " without server.auth; keep server.auth, and restart")
            .formatted(running.listen())
        : null;
  }
}
