package relay.operate;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/** The replicas of {@code GET /pools}, a line each. */
final class ReplicaTable {
  private static final int SHOWN = 20;

  private ReplicaTable() {}

  static List<String> lines(JsonNode replicas) {
    List<String> lines = new ArrayList<>();
    for (JsonNode replica : replicas) {
      if (lines.size() == SHOWN) {
        lines.add("and %d more replicas".formatted(replicas.size() - SHOWN));
        break;
      }
      lines.add(line(replica));
    }
    return lines;
  }

  /** A replica of an older version tells nothing but its id. */
  private static String line(JsonNode replica) {
    if (!replica.path("name").isTextual()) {
      return "replica %s: -".formatted(replica.path("id").asText());
    }
    return "replica %s: %s, since %s, %s; a second: %s requests, %s refused, %s failed; %s under way"
        .formatted(
            word(replica, "name"),
            word(replica, "version"),
            word(replica, "started"),
            word(replica, "mode"),
            word(replica, "requests_per_second"),
            word(replica, "refused_per_second"),
            word(replica, "failed_per_second"),
            word(replica, "in_flight"));
  }

  private static String word(JsonNode replica, String field) {
    JsonNode value = replica.path(field);
    return value.isNull() || value.isMissingNode() ? "-" : value.asText().replace('_', ' ');
  }
}
