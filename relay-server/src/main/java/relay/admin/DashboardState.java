package relay.admin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What dashboards show. Each group, key and client carries the number of the update that changed it
 * last, so a viewer gets only what is newer than its last message. Not thread-safe.
 */
final class DashboardState {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  /** Ends of cooldowns that differ by less are the same: readings take time. */
  private static final long SAME_END_MS = 1_500;

  private final Map<String, PoolRows> pools = new LinkedHashMap<>();
  private final Rows clients = new Rows("name");
  private ObjectNode head = JSON.objectNode();
  private long version;

  /** Rows by id, with the version of each and of their order. */
  private static final class Rows {
    private record Row(long version, ObjectNode node) {}

    private final String id;
    private final Map<String, Row> byId = new LinkedHashMap<>();
    private List<String> order = List.of();
    private long ordered;

    Rows(String id) {
      this.id = id;
    }

    void update(Iterable<JsonNode> nodes, long version, long nowMs) {
      List<String> present = new ArrayList<>();
      for (JsonNode each : nodes) {
        ObjectNode node = each.deepCopy();
        String name = node.path(id).asText();
        present.add(name);
        Row known = byId.get(name);
        replaceCooldown(node, known == null ? null : known.node(), nowMs);
        if (known == null || !known.node().equals(node)) {
          byId.put(name, new Row(version, node));
        }
      }
      if (!present.equals(order)) {
        order = List.copyOf(present);
        ordered = version;
        byId.keySet().retainAll(new HashSet<>(present));
      }
    }

    /** A remaining time changes with each reading; its end does not. */
    private static void replaceCooldown(ObjectNode node, @Nullable ObjectNode known, long nowMs) {
      long left = node.path("cooldown_ms").asLong();
      node.remove("cooldown_ms");
      long end = left == 0 ? 0 : nowMs + left;
      long before = known == null ? 0 : known.path("cooldown_until").asLong();
      boolean same = end != 0 && before != 0 && Math.abs(end - before) < SAME_END_MS;
      node.put("cooldown_until", same ? before : end);
    }

    void since(long seen, String name, ObjectNode into) {
      if (ordered > seen) {
        ArrayNode ids = into.putArray(name + "_order");
        order.forEach(ids::add);
      }
      ArrayNode changed = JSON.arrayNode();
      for (String each : order) {
        Row row = Objects.requireNonNull(byId.get(each));
        if (row.version() > seen) {
          changed.add(row.node());
        }
      }
      if (!changed.isEmpty()) {
        into.set(name, changed);
      }
    }
  }

  private static final class PoolRows {
    private final Rows groups = new Rows("id");
    private final Rows keys = new Rows("id");
    private ObjectNode head = JSON.objectNode();
  }

  /** The number of the last update. */
  long version() {
    return version;
  }

  /**
   * Takes a new reading.
   *
   * @param all as {@code GET /pools} gives it, and more about the replica
   */
  void update(ObjectNode all, long nowMs) {
    version++;
    ObjectNode rest = all.deepCopy();
    JsonNode read = rest.remove("pools");
    rest.put("now", nowMs);
    head = rest;
    List<String> names = new ArrayList<>();
    for (JsonNode pool : read) {
      ObjectNode poolHead = pool.deepCopy();
      JsonNode groups = poolHead.remove("groups");
      JsonNode keys = poolHead.remove("keys");
      String name = pool.path("name").asText();
      names.add(name);
      PoolRows rows = pools.computeIfAbsent(name, _ -> new PoolRows());
      rows.head = poolHead;
      rows.groups.update(groups, version, nowMs);
      rows.keys.update(keys, version, nowMs);
    }
    pools.keySet().retainAll(names);
  }

  /** Takes a new reading of the clients, as {@code GET /clients} gives it. */
  void updateClients(ObjectNode all, long nowMs) {
    version++;
    clients.update(all.path("clients"), version, nowMs);
  }

  /**
   * What has changed since a version, with the heads of all pools.
   *
   * @param seen 0 for everything
   */
  ObjectNode since(long seen) {
    ObjectNode all = head.deepCopy();
    ArrayNode list = all.putArray("pools");
    for (PoolRows rows : pools.values()) {
      ObjectNode pool = rows.head.deepCopy();
      rows.groups.since(seen, "groups", pool);
      rows.keys.since(seen, "keys", pool);
      list.add(pool);
    }
    clients.since(seen, "clients", all);
    return all;
  }
}
