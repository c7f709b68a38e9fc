package relay.redis.link;

import io.lettuce.core.cluster.SlotHash;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;
import relay.redis.model.RedisServers;
import relay.redis.model.SocketLoop;

/** The masters that hold the pools: one, or those of a Cluster. */
public sealed interface Masters extends AutoCloseable permits SingleMaster, ClusterMasters {

  /**
   * @param loop serves the connections; null for a thread of their own
   * @param onUp called on a connecting thread when a master answers again, or another has taken
   *     over, with the slots that it has; it may call scripts itself
   */
  static Masters of(
      RedisServers servers,
      Duration timeout,
      @Nullable SocketLoop loop,
      Consumer<IntPredicate> onUp) {
    Connections connections = new Connections(servers, timeout, loop);
    return switch (servers.topology()) {
      case STANDALONE, SENTINEL -> new SingleMaster(connections, onUp);
      case CLUSTER -> new ClusterMasters(connections, onUp);
    };
  }

  /** Connects, or retries in the background if Redis does not answer now. */
  void start();

  /** Called twice a second. Does not block. */
  void tick();

  /** The way to a pool's master. */
  default RedisLink link(String pool) {
    int slot = SlotHash.getSlot(pool); // every key has the pool as its hash tag
    uses(slot);
    return new RedisLink(this, slot);
  }

  /** A pool has this slot. */
  void uses(int slot);

  /** The master of a slot; null while it is unknown. */
  @Nullable MasterLink of(int slot);

  /** The masters that hold keys, as far as they are known; empty if none answers. */
  Set<InetSocketAddress> all();

  /** Whether the master of every pool answers. */
  boolean isUp();

  /** Whether a master answers later than the timeout. */
  boolean isSlow();

  /** Why there is no connection, with what to do about it; empty while there is one. */
  Optional<String> failure();

  Connections connections();

  @Override
  void close();
}
