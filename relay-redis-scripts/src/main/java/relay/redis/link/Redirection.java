package relay.redis.link;

import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;
import relay.redis.model.RedisServers;

/** The answer of a Cluster's master to a call that it does not serve. */
sealed interface Redirection {
  /** Another master has the slot now. */
  record Moved(InetSocketAddress master) implements Redirection {}

  /** Another master takes the slot over, and has these keys. */
  record Ask(InetSocketAddress master) implements Redirection {}

  /** Some of the keys have moved, some have not. */
  record TryAgain() implements Redirection {}

  /**
   * Reads an error: {@code MOVED 3999 127.0.0.1:6381}.
   *
   * @param asked the master that refused: an empty host means its own
   * @return null for any other error
   */
  static @Nullable Redirection of(String error, InetSocketAddress asked) {
    if (error.startsWith("TRYAGAIN ")) {
      return new TryAgain();
    }
    String[] words = error.split(" ", -1);
    boolean moved = words[0].equals("MOVED");
    if (words.length < 3 || !(moved || words[0].equals("ASK"))) {
      return null;
    }
    int colon = words[2].lastIndexOf(':'); // an IPv6 address has more of them
    String host = words[2].substring(0, Math.max(0, colon));
    int port;
    try {
      port = Integer.parseInt(words[2].substring(colon + 1));
    } catch (NumberFormatException e) {
      return null;
    }
    InetSocketAddress master =
        RedisServers.address(
            host.isEmpty() || host.equals("?") ? asked.getHostString() : host, port);
    return moved ? new Moved(master) : new Ask(master);
  }
}
