package relay.redis.chaos;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import relay.guards.Await;
import relay.guards.RedisCluster;
import relay.guards.RedisNode;
import relay.guards.SentinelSet;
import relay.redis.RecordedRedis;
import relay.redis.library.ScriptFile;
import relay.redis.model.RedisServers;
import relay.redis.model.RedisServers.Topology;

/** The servers of a topology, for one row of the chaos table. */
final class ChaosStage implements AutoCloseable {
  private final Deque<AutoCloseable> parts = new ArrayDeque<>();
  private final @Nullable RedisNode alone;
  private final @Nullable RecordedRedis network;
  private final @Nullable SentinelSet sentinels;
  private final @Nullable RedisCluster cluster;
  private final int slot;
  private @Nullable RedisNode struck;

  /**
   * @param behindProxy whether the network may fail; of one server only
   */
  ChaosStage(Topology topology, boolean behindProxy) {
    alone =
        topology == Topology.STANDALONE
            ? opened(RedisNode.start("appendonly yes")) // kill -9 loses nothing that was answered
            : null;
    network =
        alone != null && behindProxy
            ? opened(new RecordedRedis("redis://" + alone.address()))
            : null;
    sentinels = topology == Topology.SENTINEL ? opened(new SentinelSet()) : null;
    cluster = topology == Topology.CLUSTER ? opened(new RedisCluster()) : null;
    slot = cluster == null ? 0 : cluster.slot(ChaosCase.POOL);
  }

  private <T extends AutoCloseable> T opened(T part) {
    parts.push(part);
    return part;
  }

  RedisServers servers() {
    if (cluster != null) {
      String seed = cluster.nodes().getLast().address(); // no master, so no fault strikes it
      return RedisServers.of("redis://" + seed).asCluster();
    }
    if (sentinels != null) {
      return RedisServers.of(sentinels.url());
    }
    return RedisServers.of(network == null ? "redis://" + master().address() : network.url());
  }

  /** What lies between the replicas and Redis. */
  RecordedRedis network() {
    return Objects.requireNonNull(network);
  }

  /** The server that has the pool. */
  RedisNode master() {
    if (cluster != null) {
      return cluster.owner(slot);
    }
    return sentinels != null ? sentinels.master() : Objects.requireNonNull(alone);
  }

  /** The name of another pool on the same server. */
  String sibling() {
    for (int n = 0; ; n++) {
      String name = "probe-" + n;
      if (cluster == null || cluster.owner(cluster.slot(name)) == cluster.owner(slot)) {
        return name;
      }
    }
  }

  /** The master, from now on the one that was struck. */
  private RedisNode strike() {
    struck = master();
    return struck;
  }

  void kill() {
    strike().kill();
  }

  /** Starts what was killed. */
  void startAgain() {
    Objects.requireNonNull(struck).startAgain();
  }

  /** Its data are lost. */
  void startEmpty() {
    Path data = Objects.requireNonNull(struck).directory().resolve("appendonlydir");
    try (Stream<Path> files = Files.walk(data)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    startAgain();
  }

  void freeze() {
    strike().freeze(true);
  }

  void thaw() {
    if (struck != null) {
      struck.freeze(false);
    }
  }

  /** The replica does not get the last writes, and becomes the master. */
  void loseWrites() {
    Objects.requireNonNull(sentinels).cutReplication();
    Await.moment(System.nanoTime() + 800_000_000);
    kill();
  }

  void moveSlot() {
    RedisCluster nodes = Objects.requireNonNull(cluster);
    List<RedisNode> masters = nodes.nodes().subList(0, 3);
    RedisNode from = nodes.owner(slot);
    nodes.move(slot, from, masters.get((masters.indexOf(from) + 1) % 3));
  }

  /** The server's clock steps, as far as the scripts can see. */
  void stepClock(int seconds) {
    String library = ScriptFile.library();
    String stepped =
        library.replace(
            "redis_call('TIME')",
            "(function() local t = redis_call('TIME') return { t[1] + %d, t[2] } end)()"
                .formatted(seconds));
    List<String> said = master().call("FUNCTION", "LOAD", "REPLACE", stepped);
    if (library.equals(stepped) || said.getFirst().startsWith("-")) {
      throw new IllegalStateException("the clock cannot be stepped: " + said);
    }
  }

  @Override
  public void close() {
    thaw();
    try {
      while (!parts.isEmpty()) {
        parts.pop().close();
      }
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
