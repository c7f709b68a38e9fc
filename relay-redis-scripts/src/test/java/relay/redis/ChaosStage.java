package relay.redis;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import relay.guards.Await;
import relay.guards.RedisCluster;
import relay.guards.RedisNode;
import relay.guards.SentinelSet;
import relay.redis.RedisServers.Topology;

/** The servers of a topology, for one row of the chaos table. */
final class ChaosStage implements AutoCloseable {
  private final Topology topology;
  private final @Nullable RedisNode alone;
  private final @Nullable ChaosProxy proxy;
  private final @Nullable SentinelSet sentinels;
  private final @Nullable RedisCluster cluster;
  private final int slot;
  private @Nullable RedisNode struck;

  ChaosStage(Topology topology) {
    this.topology = topology;
    alone =
        topology == Topology.STANDALONE
            ? RedisNode.start(
                "appendonly yes", "appendfsync no") // as kill -9 loses nothing written
            : null;
    proxy = alone == null ? null : new ChaosProxy(alone.port());
    sentinels = topology == Topology.SENTINEL ? new SentinelSet() : null;
    cluster = topology == Topology.CLUSTER ? new RedisCluster() : null;
    slot = cluster == null ? 0 : cluster.slot(ChaosCase.POOL);
  }

  Topology topology() {
    return topology;
  }

  RedisServers servers() {
    if (cluster != null) {
      return RedisServers.of("redis://" + cluster.nodes().getFirst().address()).asCluster();
    }
    return RedisServers.of(sentinels == null ? proxy().url() : sentinels.url());
  }

  ChaosProxy proxy() {
    if (proxy == null) {
      throw new IllegalStateException("no proxy before " + topology);
    }
    return proxy;
  }

  /** The server that has the pool. */
  RedisNode master() {
    return cluster != null ? cluster.owner(slot) : sentinels != null ? sentinels.master() : alone();
  }

  private RedisNode alone() {
    if (alone == null) {
      throw new IllegalStateException("more than one server");
    }
    return alone;
  }

  /** A pool on the same server. */
  String sibling() {
    for (int n = 0; ; n++) {
      String name = "probe-" + n;
      if (cluster == null || cluster.owner(cluster.slot(name)) == cluster.owner(slot)) {
        return name;
      }
    }
  }

  void kill() {
    struck = master();
    struck.kill();
  }

  /** Starts what was killed. */
  void startAgain() {
    if (struck != null) {
      struck.startAgain();
    }
  }

  /** Its data are lost. */
  void startEmpty() {
    if (struck != null) {
      Path data = struck.directory().resolve("appendonlydir");
      try (Stream<Path> files = Files.walk(data)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      struck.startAgain();
    }
  }

  void freeze() {
    struck = master();
    struck.freeze(true);
  }

  void thaw() {
    if (struck != null) {
      struck.freeze(false);
    }
  }

  /** Ends all connections of clients. */
  void reset() {
    if (proxy != null) {
      proxy.reset();
    } else {
      master().call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    }
  }

  /** The replica does not get the last writes, and becomes the master. */
  void loseWrites() {
    if (sentinels != null) {
      sentinels.cutReplication();
      Await.moment(System.nanoTime() + 800_000_000);
      kill();
    }
  }

  void moveSlot() {
    if (cluster != null) {
      List<RedisNode> masters = cluster.nodes().subList(0, 3);
      RedisNode from = cluster.owner(slot);
      cluster.move(slot, from, masters.get((masters.indexOf(from) + 1) % 3));
    }
  }

  /** The server's clock steps, as far as the scripts can see. */
  void stepClock(int seconds) {
    String library = ScriptFile.library();
    String stepped =
        library.replace(
            "redis.call('TIME')",
            "(function() local t = redis.call('TIME') return { t[1] + %d, t[2] } end)()"
                .formatted(seconds));
    List<String> said = master().call("FUNCTION", "LOAD", "REPLACE", stepped);
    if (library.equals(stepped) || said.getFirst().startsWith("-")) {
      throw new IllegalStateException("the clock cannot be stepped: " + said);
    }
  }

  @Override
  public void close() {
    thaw();
    if (proxy != null) {
      proxy.close();
    }
    close(alone);
    close(sentinels);
    close(cluster);
  }

  private static void close(@Nullable AutoCloseable one) {
    if (one != null) {
      try {
        one.close();
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
