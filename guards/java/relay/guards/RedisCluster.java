package relay.guards;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import relay.embedded.LoopbackPorts;

/** A Redis Cluster: three masters, each with a third of the slots, and a replica of each. */
public final class RedisCluster implements AutoCloseable {
  private static final int MASTERS = 3;
  private static final int SLOTS = 16_384;

  private final List<RedisNode> nodes = new ArrayList<>();

  /** Starts it; returns when all nodes serve. */
  public RedisCluster() {
    List<Integer> buses = new ArrayList<>(); // the default, 10,000 above, may be taken
    for (int n = 0; n < 2 * MASTERS; n++) {
      buses.add(freePort());
      nodes.add(
          RedisNode.start(
              "cluster-enabled yes", "cluster-node-timeout 600", "cluster-port " + buses.get(n)));
    }
    for (int n = 0; n < MASTERS; n++) {
      nodes
          .get(n)
          .call(
              "CLUSTER",
              "ADDSLOTSRANGE",
              "" + n * SLOTS / MASTERS,
              "" + ((n + 1) * SLOTS / MASTERS - 1));
      nodes.get(n).call("CLUSTER", "SET-CONFIG-EPOCH", "" + (n + 1));
    }
    String first = Integer.toString(nodes.getFirst().port());
    for (RedisNode node : nodes.subList(1, nodes.size())) {
      node.call("CLUSTER", "MEET", "127.0.0.1", first, buses.getFirst().toString());
    }
    for (RedisNode node : nodes) {
      Await.until("all have met", () -> lines(node).size() == 2 * MASTERS);
    }
    for (int n = 0; n < MASTERS; n++) {
      RedisNode replica = nodes.get(MASTERS + n);
      String master = id(nodes.get(n));
      Await.until(
          "a replica follows",
          () -> replica.call("CLUSTER", "REPLICATE", master).getFirst().equals("OK"));
    }
    awaitAgreement();
    for (RedisNode replica : nodes.subList(MASTERS, 2 * MASTERS)) {
      Await.until(
          "it has the data", () -> replica.call("INFO").getFirst().contains("link_status:up"));
    }
  }

  /** Waits until each node takes all slots for served, and knows of a replica for each master. */
  public void awaitAgreement() {
    for (RedisNode node : nodes) {
      Await.until(
          "a node serves",
          () ->
              node.call("CLUSTER", "INFO").getFirst().contains("cluster_state:ok")
                  && lines(node).stream().filter(l -> l.contains("slave")).count() == MASTERS);
    }
  }

  private static int freePort() {
    try {
      return LoopbackPorts.free();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<String> lines(RedisNode node) {
    return node.call("CLUSTER", "NODES").getFirst().lines().toList();
  }

  private static String id(RedisNode node) {
    return node.call("CLUSTER", "MYID").getFirst();
  }

  /** Two of the nodes, as seeds. */
  public String seeds() {
    return nodes.subList(0, 2).stream().map(RedisNode::address).collect(Collectors.joining(","));
  }

  /** All nodes: the masters first, then their replicas. */
  public List<RedisNode> nodes() {
    return nodes;
  }

  /** The slot of a pool's keys. */
  public int slot(String pool) {
    return Integer.parseInt(
        nodes.getFirst().call("CLUSTER", "KEYSLOT", "{" + pool + "}").getFirst());
  }

  /** The node that serves the slot, as the first node sees it. */
  public RedisNode owner(int slot) {
    for (String line : lines(nodes.getFirst())) {
      String[] words = line.split(" ", -1);
      for (int n = 8; n < words.length; n++) {
        String[] range = words[n].split("-", -1);
        if (!words[n].startsWith("[")
            && Integer.parseInt(range[0]) <= slot
            && slot <= Integer.parseInt(range[range.length - 1])) {
          String address = words[1].substring(0, words[1].indexOf('@'));
          return nodes.stream()
              .filter(one -> one.address().equals(address))
              .findFirst()
              .orElseThrow();
        }
      }
    }
    throw new IllegalStateException("no node serves slot " + slot);
  }

  /** Moves a slot with its keys, one at a time, as redis-cli does. */
  public void move(int slot, RedisNode from, RedisNode to) {
    moveKeys(slot, from, to);
    String number = Integer.toString(slot);
    to.call("CLUSTER", "SETSLOT", number, "NODE", id(to));
    from.call("CLUSTER", "SETSLOT", number, "NODE", id(to));
  }

  /** Moves the keys of a slot, which itself stays. */
  public void moveKeys(int slot, RedisNode from, RedisNode to) {
    String number = Integer.toString(slot);
    to.call("CLUSTER", "SETSLOT", number, "IMPORTING", id(from));
    from.call("CLUSTER", "SETSLOT", number, "MIGRATING", id(to));
    while (true) {
      List<String> keys = from.call("CLUSTER", "GETKEYSINSLOT", number, "1");
      if (keys.isEmpty()) {
        break;
      }
      Await.moment(System.nanoTime() + 60_000_000L); // a large one takes its time
      from.call("MIGRATE", "127.0.0.1", "" + to.port(), keys.getFirst(), "0", "5000");
    }
  }

  /** A master takes a slot over without its keys, as a replica does that has got none of them. */
  public void takeOver(int slot, RedisNode to) {
    String number = Integer.toString(slot);
    to.call("CLUSTER", "SETSLOT", number, "IMPORTING", id(owner(slot)));
    to.call("CLUSTER", "SETSLOT", number, "NODE", id(to));
  }

  /** Cuts a master off from all other nodes, and has its replica take over. */
  public void isolate(RedisNode master) {
    RedisNode replica = nodes.get(nodes.indexOf(master) + MASTERS);
    for (RedisNode other : nodes) {
      if (other != master) {
        master.call("CLUSTER", "FORGET", id(other)); // it ignores whom it does not know
      }
    }
    replica.call("CLUSTER", "FAILOVER", "TAKEOVER");
    Await.until("it has taken over", () -> replica.call("ROLE").getFirst().equals("master"));
  }

  @Override
  public void close() {
    nodes.forEach(RedisNode::close);
  }
}
