package relay.redis.link;

import io.lettuce.core.RedisCommandExecutionException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.redis.model.RedisServers;

/**
 * Asks the sentinels where the master is. One connection is kept; when its sentinel does not answer
 * or knows no master, the next sentinel is asked.
 */
final class Sentinels {
  private static final Logger log = LoggerFactory.getLogger(Sentinels.class);
  private static final int ANSWER_MS = 1_000;

  private final Connections connections;
  private int next; // guarded by this, as the connection
  private @Nullable FunctionConnection connection;

  Sentinels(Connections connections) {
    this.connections = connections;
  }

  /**
   * The master's address.
   *
   * @throws IllegalStateException when no sentinel names one
   */
  synchronized InetSocketAddress master() {
    RedisServers servers = connections.servers;
    String why = "";
    for (int n = 0; n < servers.addresses().size(); n++) {
      InetSocketAddress sentinel =
          servers.addresses().get(Math.floorMod(next, servers.addresses().size()));
      try {
        InetSocketAddress master = ask(sentinel);
        if (master != null) {
          return master;
        }
        why = "it knows no master named " + servers.master();
      } catch (RuntimeException | ExecutionException | TimeoutException e) {
        why = FailureReason.of(e);
        log.debug("sentinel {} cannot be asked", sentinel, e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt(); // the engine is being closed
        throw new IllegalStateException("closed", e);
      }
      why = "sentinel " + RedisServers.shown(sentinel) + ": " + why;
      drop();
      next++;
    }
    throw new IllegalStateException("no sentinel names the master; " + why);
  }

  /** As {@link #master}; null when no sentinel names one. */
  @Nullable InetSocketAddress masterIfKnown() {
    try {
      return master();
    } catch (IllegalStateException e) {
      log.debug("the master is unknown", e);
      return null;
    }
  }

  private @Nullable InetSocketAddress ask(InetSocketAddress sentinel)
      throws ExecutionException, TimeoutException, InterruptedException {
    FunctionConnection asked = connection;
    if (asked == null || !asked.isOpen()) {
      asked = connect(sentinel);
      connection = asked;
    }
    List<Object> reply =
        asked.masterOf(connections.servers.master()).get(ANSWER_MS, TimeUnit.MILLISECONDS);
    return reply != null
            && reply.size() == 2
            && reply.get(0) instanceof byte[] host
            && reply.get(1) instanceof byte[] port
        ? RedisServers.address(text(host), Integer.parseInt(text(port)))
        : null;
  }

  /** Sentinels often have no users of their own: one that refuses the login is asked without. */
  private FunctionConnection connect(InetSocketAddress sentinel) {
    try {
      return connections.connectToSentinel(sentinel, false);
    } catch (RuntimeException e) {
      boolean refused = FailureReason.root(e) instanceof RedisCommandExecutionException;
      if (refused && !connections.logins.now().equals(RedisServers.Login.NONE)) {
        return connections.connectToSentinel(sentinel, true);
      }
      throw e;
    }
  }

  private void drop() {
    FunctionConnection old = connection;
    connection = null;
    if (old != null) {
      var _ = old.closeAsync();
    }
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
