package relay.redis.link;

import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import relay.redis.model.RedisServers;

/** Which master of a Cluster has which slot, as one of its nodes sees it. */
final class SlotMap {
  /** Nothing is known. */
  static final SlotMap EMPTY = new SlotMap(0);

  private static final Pattern EPOCH = Pattern.compile("cluster_current_epoch:([0-9]{1,18})");

  private final NavigableMap<Long, Range> ranges = new TreeMap<>(); // by the first slot
  private final Set<InetSocketAddress> nodes = new LinkedHashSet<>();
  private final long epoch;

  private record Range(long last, InetSocketAddress master) {}

  private SlotMap(long epoch) {
    this.epoch = epoch;
  }

  /**
   * Reads the reply of CLUSTER SLOTS.
   *
   * @param asked the node that replied: it names itself, or all, by an empty host if it does not
   *     know its address
   * @param info the node's reply of CLUSTER INFO; may be empty
   */
  static SlotMap of(List<Object> reply, InetSocketAddress asked, String info) {
    SlotMap map = new SlotMap(epochOf(info));
    for (Object one : reply) {
      if (one instanceof List<?> range
          && range.size() > 2
          && range.get(0) instanceof Long first
          && range.get(1) instanceof Long last) {
        for (Object node : range.subList(2, range.size())) {
          map.add(first, last, node, asked);
        }
      }
    }
    return map;
  }

  private static long epochOf(String info) {
    Matcher epoch = EPOCH.matcher(info);
    return epoch.find() ? Long.parseLong(epoch.group(1)) : 0;
  }

  private void add(long first, long last, @Nullable Object node, InetSocketAddress asked) {
    if (node instanceof List<?> parts && parts.size() > 1 && parts.get(1) instanceof Long port) {
      InetSocketAddress address =
          RedisServers.address(host(parts.getFirst(), asked), port.intValue());
      nodes.add(address);
      ranges.putIfAbsent(first, new Range(last, address)); // the master comes first
    }
  }

  private static String host(@Nullable Object named, InetSocketAddress asked) {
    String host = named instanceof byte[] bytes ? new String(bytes, StandardCharsets.UTF_8) : "";
    return host.isEmpty() || host.equals("?") ? asked.getHostString() : host;
  }

  /** The Cluster's epoch, as the node knew it: each failover has a later one. 0 if not told. */
  long epoch() {
    return epoch;
  }

  /** The slot's master; null if no master has it. */
  @Nullable InetSocketAddress master(int slot) {
    var range = ranges.floorEntry((long) slot);
    return range == null || range.getValue().last() < slot ? null : range.getValue().master();
  }

  /** The masters that have slots. */
  Set<InetSocketAddress> masters() {
    return ranges.values().stream().map(Range::master).collect(Collectors.toSet());
  }

  /** All nodes, replicas included. */
  Set<InetSocketAddress> nodes() {
    return nodes;
  }

  boolean isEmpty() {
    return ranges.isEmpty();
  }
}
