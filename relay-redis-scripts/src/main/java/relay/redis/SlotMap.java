package relay.redis;

import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Which master of a Cluster has which slot, as one of its nodes sees it. */
final class SlotMap {
  /** Nothing is known. */
  static final SlotMap EMPTY = new SlotMap();

  private final NavigableMap<Long, Range> ranges = new TreeMap<>(); // by the first slot
  private final Set<InetSocketAddress> nodes = new LinkedHashSet<>();

  private record Range(long last, InetSocketAddress master) {}

  private SlotMap() {}

  /**
   * Reads the reply of CLUSTER SLOTS.
   *
   * @param asked the node that replied: it names itself, or all, by an empty host if it does not
   *     know its address
   */
  static SlotMap of(List<Object> reply, InetSocketAddress asked) {
    SlotMap map = new SlotMap();
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

  /** The slot's master; null if no master has it. */
  @Nullable InetSocketAddress master(int slot) {
    var range = ranges.floorEntry((long) slot);
    return range == null || range.getValue().last() < slot ? null : range.getValue().master();
  }

  /** All nodes, replicas included. */
  Set<InetSocketAddress> nodes() {
    return nodes;
  }

  boolean isEmpty() {
    return ranges.isEmpty();
  }
}
