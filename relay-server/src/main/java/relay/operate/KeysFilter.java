package relay.operate;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/**
 * The part of {@code GET /pools} that an operator wants to see, and the order of its keys: null as
 * they are configured.
 */
record KeysFilter(@Nullable String pool, @Nullable String status, @Nullable Order order) {
  static final KeysFilter ALL = new KeysFilter(null, null, null);

  /** The statuses of keys, those first of which an operator has to know. */
  private static final List<String> STATUSES =
      List.of("quarantined", "cooling", "draining", "active");

  /** An order of keys; equal ones stay as they are configured. */
  enum Order {
    STATUS,
    IN_FLIGHT,
    ID
  }

  /**
   * Reads the options of a command.
   *
   * @throws OperationFailed if a status or an order is unknown
   */
  static KeysFilter of(@Nullable String pool, @Nullable String status, @Nullable String order)
      throws OperationFailed {
    if (status != null && !STATUSES.contains(status)) {
      throw OperationFailed.badUsage(
          "--status \"%s\" is unknown; use one of %s"
              .formatted(status, String.join(", ", STATUSES)));
    }
    return new KeysFilter(pool, status, order == null ? null : order(order));
  }

  private static Order order(String name) throws OperationFailed {
    for (Order order : Order.values()) {
      if (name.equals(order.name().toLowerCase(Locale.ROOT).replace('_', '-'))) {
        return order;
      }
    }
    throw OperationFailed.badUsage(
        "--sort \"%s\" is unknown; use one of status, in-flight, id".formatted(name));
  }

  /**
   * Applies it to the answer of {@code GET /pools}.
   *
   * @throws OperationFailed if no pool has the name
   */
  JsonNode apply(JsonNode all) throws OperationFailed {
    if (!(all.path("pools") instanceof ArrayNode pools)) {
      return all;
    }
    List<JsonNode> wanted =
        StreamSupport.stream(pools.spliterator(), false)
            .filter(one -> pool == null || one.path("name").asText().equals(pool))
            .toList();
    if (wanted.isEmpty() && pool != null) {
      throw OperationFailed.badUsage("there is no pool \"%s\"".formatted(pool));
    }
    wanted.forEach(this::applyToPool);
    pools.removeAll().addAll(wanted);
    return all;
  }

  private void applyToPool(JsonNode one) {
    if (!(one instanceof ObjectNode pool) || !(one.path("keys") instanceof ArrayNode keys)) {
      return;
    }
    List<JsonNode> wanted = new ArrayList<>();
    Set<String> accounts = new HashSet<>();
    for (JsonNode key : keys) {
      if (status == null || key.path("status").asText().equals(status)) {
        wanted.add(key);
        accounts.add(key.path("account").asText());
      }
    }
    if (order != null) {
      wanted.sort(comparator(order));
    }
    keys.removeAll().addAll(wanted);
    if (status != null && pool.path("groups") instanceof ArrayNode groups) {
      List<JsonNode> theirs =
          StreamSupport.stream(groups.spliterator(), false)
              .filter(group -> accounts.contains(group.path("account").asText()))
              .toList();
      groups.removeAll().addAll(theirs);
    }
  }

  private static Comparator<JsonNode> comparator(Order order) {
    return switch (order) {
      case STATUS -> Comparator.comparingInt(key -> STATUSES.indexOf(key.path("status").asText()));
      case IN_FLIGHT -> Comparator.comparingLong(key -> -key.path("in_flight").asLong());
      case ID -> Comparator.comparing(key -> key.path("id").asText());
    };
  }
}
