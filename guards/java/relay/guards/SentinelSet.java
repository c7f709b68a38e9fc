package relay.guards;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A master, a replica, and three sentinels that watch them. */
public final class SentinelSet implements AutoCloseable {
  private final RedisNode first;
  private final RedisNode second;
  private final List<RedisNode> sentinels;

  /** Starts it; returns when the sentinels know the replica and each other. */
  public SentinelSet() {
    first = RedisNode.start();
    second = RedisNode.start("replicaof 127.0.0.1 " + first.port());
    sentinels =
        IntStream.range(0, 3)
            .mapToObj(
                n ->
                    RedisNode.sentinel(
                        "sentinel monitor main 127.0.0.1 " + first.port() + " 2",
                        "sentinel down-after-milliseconds main 300",
                        "sentinel failover-timeout main 3000"))
            .toList();
    Await.until(
        "the replica follows", () -> second.call("INFO").getFirst().contains("link_status:up"));
    for (RedisNode sentinel : sentinels) {
      hurry(sentinel);
    }
    for (RedisNode sentinel : sentinels) {
      Await.until(
          "a sentinel knows all",
          () -> {
            List<String> known = sentinel.call("SENTINEL", "MASTER", "main");
            return field(known, "num-slaves").equals("1")
                && field(known, "num-other-sentinels").equals("2");
          });
    }
  }

  /** Sentinels greet each other every 2 s, which only tests find long. */
  private static void hurry(RedisNode sentinel) {
    String said = sentinel.call("SENTINEL", "DEBUG", "publish-period", "100").getFirst();
    if (!said.equals("OK")) {
      throw new IllegalStateException(said);
    }
  }

  private static String field(List<String> pairs, String name) {
    return pairs.get(pairs.indexOf(name) + 1);
  }

  /** {@code redis-sentinel://host:port,host:port,host:port/0#main}. */
  public String url() {
    return "redis-sentinel://"
        + sentinels.stream().map(RedisNode::address).collect(Collectors.joining(","))
        + "/0#main";
  }

  /** The master that the sentinels name. */
  public RedisNode master() {
    String port = sentinels.getFirst().call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main").get(1);
    return Integer.toString(first.port()).equals(port) ? first : second;
  }

  /** From now on the master's writes do not reach the replica: a failover will lose them. */
  public void cutReplication() {
    RedisNode master = master();
    master.call("CONFIG", "SET", "requirepass", "unknown-to-the-replica");
    master.callAs("default unknown-to-the-replica", "CLIENT", "KILL", "TYPE", "replica");
  }

  /** The server that began as the replica. */
  public RedisNode replica() {
    return second;
  }

  /** The sentinels. */
  public List<RedisNode> sentinels() {
    return sentinels;
  }

  @Override
  public void close() {
    sentinels.forEach(RedisNode::close);
    second.close();
    first.close();
  }
}
