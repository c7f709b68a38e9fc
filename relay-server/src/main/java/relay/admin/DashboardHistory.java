package relay.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import relay.redis.KeyPool;
import relay.redis.model.Dimension;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.PoolSnapshot.GroupState;

/**
 * The use of pools and groups over the last minutes, so that a page has plots when it opens. Reads
 * the replica's last heartbeat, not Redis. Not thread-safe.
 */
final class DashboardHistory {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
  private static final Dimension[] DIMENSIONS = Dimension.values();

  /** Five minutes at a sample each two seconds. */
  static final int SAMPLES = 150;

  /** Pools first, then their first groups. Others have a plot from the moment of their display. */
  private static final int MOST_SERIES = 100;

  private final Map<List<String>, Series> series = new LinkedHashMap<>();
  private long taken;

  /** Rings of used and limit of each dimension, and of the output that is reserved. */
  private static final class Series {
    private final long[][] used = new long[DIMENSIONS.length][SAMPLES];
    private final long[][] limit = new long[DIMENSIONS.length][SAMPLES];
    private final long[] reserved = new long[SAMPLES];
    private long since;
    private long last;
  }

  /** Takes one sample of each series. */
  void sample(Collection<KeyPool> pools) {
    for (KeyPool pool : pools) {
      PoolSnapshot state = pool.latest();
      if (state != null) {
        put(List.of(pool.plan().name()), state.groups());
      }
    }
    for (KeyPool pool : pools) {
      PoolSnapshot state = pool.latest();
      for (GroupState group : state == null ? List.<GroupState>of() : state.groups()) {
        put(List.of(pool.plan().name(), group.id()), List.of(group));
      }
    }
    taken++;
    series.values().removeIf(each -> taken - each.last > SAMPLES);
  }

  private void put(List<String> name, List<GroupState> groups) {
    Series one = series.get(name);
    if (one == null) {
      if (series.size() >= MOST_SERIES) {
        return;
      }
      one = new Series();
      one.since = taken;
      series.put(name, one);
    }
    int at = (int) (taken % SAMPLES);
    for (int d = 0; d < DIMENSIONS.length; d++) {
      long used = 0;
      long limit = 0;
      for (GroupState group : groups) {
        used += group.used().of(DIMENSIONS[d]);
        limit += group.limits().of(DIMENSIONS[d]);
      }
      one.used[d][at] = used;
      one.limit[d][at] = limit;
    }
    one.reserved[at] = groups.stream().mapToLong(GroupState::reservedOutput).sum();
    one.last = taken;
  }

  /**
   * All samples, the oldest first: {@code {"pool", "group", "used": {"rpm": […]}, "limit": …,
   * "reserved_output": […]}}; a pool's own has no group.
   */
  ArrayNode json() {
    ArrayNode all = JSON.arrayNode();
    series.forEach(
        (name, one) -> {
          ObjectNode each = all.addObject();
          each.put("pool", name.getFirst());
          if (name.size() > 1) {
            each.put("group", name.getLast());
          }
          ObjectNode used = each.putObject("used");
          ObjectNode limit = each.putObject("limit");
          for (int d = 0; d < DIMENSIONS.length; d++) {
            values(used.putArray(DIMENSIONS[d].label()), one, one.used[d]);
            values(limit.putArray(DIMENSIONS[d].label()), one, one.limit[d]);
          }
          values(each.putArray("reserved_output"), one, one.reserved);
        });
    return all;
  }

  private void values(ArrayNode into, Series one, long[] ring) {
    long first = Math.max(one.since, taken - SAMPLES);
    for (long n = first; n < taken; n++) {
      into.add(n > one.last ? 0 : ring[(int) (n % SAMPLES)]);
    }
  }
}
