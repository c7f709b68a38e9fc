package relay.pool;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/** Which configurations a fleet runs with, in one line for people. */
public final class ConfigLine {
  private ConfigLine() {}

  /**
   * @param all as {@link PoolJson#ofAll} gives it
   */
  public static String of(JsonNode all) {
    JsonNode own = all.path("config");
    List<String> parts = new ArrayList<>();
    JsonNode fleet = all.path("fleet");
    String hash = own.path("hash").asText();
    boolean hasOwn = own.has("hash");
    if (fleet.isEmpty()) {
      parts.add(hasOwn ? "config " + hash : "no replica runs");
    }
    boolean same = false;
    for (JsonNode one : fleet) {
      same |= one.path("hash").asText().equals(hash);
      int replicas = one.path("replicas").asInt();
      parts.add(
          "config %s in %d %s since %s"
              .formatted(
                  one.path("hash").asText(),
                  replicas,
                  replicas == 1 ? "replica" : "replicas",
                  one.path("since").asText()));
    }
    StringBuilder line = new StringBuilder(String.join("; ", parts));
    if (fleet.size() > 1) {
      line.append("; the fleet runs with ").append(fleet.size()).append(" configs");
    }
    if (hasOwn && !same && !fleet.isEmpty()) {
      line.append("; no replica runs with the config at hand, ").append(hash);
    }
    if (!own.path("need_restart").isEmpty()) {
      List<String> later = new ArrayList<>();
      own.path("need_restart").forEach(setting -> later.add(setting.asText()));
      line.append("; from the next start: ").append(String.join(", ", later));
    }
    int faults = own.path("refused").size();
    if (faults > 0) {
      line.append("; THE CONFIG ON DISK IS REFUSED, ").append(own.path("refused").get(0).asText());
      line.append(faults > 1 ? " (and " + (faults - 1) + " more)" : "");
    }
    return line.toString();
  }
}
