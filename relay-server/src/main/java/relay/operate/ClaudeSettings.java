package relay.operate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;

/** The part of Claude Code's {@code settings.json} that leads it to Relay: {@code env}. */
final class ClaudeSettings {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String URL = "ANTHROPIC_BASE_URL";
  private static final String TOKEN = "ANTHROPIC_AUTH_TOKEN";

  private ClaudeSettings() {}

  /**
   * @param old the file's text; blank if there is none
   * @throws JsonProcessingException if it is no JSON object
   */
  static ClientEdit connect(String old, String url, String token, boolean force)
      throws JsonProcessingException {
    ObjectNode settings = read(old);
    ObjectNode env = settings.withObjectProperty("env");
    List<String> said = new ArrayList<>();
    List<String> differs = new ArrayList<>();
    for (String name : List.of(URL, TOKEN)) {
      String value = name.equals(URL) ? url : token;
      JsonNode had = env.get(name);
      if (had != null && had.asText().equals(value)) {
        continue;
      }
      if (had != null && !force) {
        differs.add("env." + name + " has another value");
      }
      said.add((had == null ? "sets" : "replaces") + " env." + name);
      env.put(name, value);
    }
    return new ClientEdit(text(settings), said, differs);
  }

  /** Takes both back, if they lead to this address. */
  static ClientEdit remove(String old, String url) throws JsonProcessingException {
    ObjectNode settings = read(old);
    List<String> said = new ArrayList<>();
    if (settings.get("env") instanceof ObjectNode env && url.equals(env.path(URL).asText())) {
      for (String name : List.of(URL, TOKEN)) {
        if (env.remove(name) != null) {
          said.add("removes env." + name);
        }
      }
      if (env.isEmpty()) {
        settings.remove("env");
      }
    }
    return new ClientEdit(text(settings), said, List.of());
  }

  private static ObjectNode read(String old) throws JsonProcessingException {
    if (old.isBlank()) {
      return JSON.createObjectNode();
    }
    return JSON.readValue(old, ObjectNode.class);
  }

  private static String text(ObjectNode settings) {
    return settings.toPrettyString() + "\n";
  }
}
