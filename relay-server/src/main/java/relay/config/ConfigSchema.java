package relay.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * The JSON Schema of the configuration: what editors complete and check, and what the table of the
 * documentation is made of. Each section declares its settings in its {@code FORM}, and reads by
 * the same declarations; a test tries every setting against both. What a schema cannot say, such as
 * that names differ, {@code relay check} does.
 */
public final class ConfigSchema {
  private ConfigSchema() {}

  /** As text, with a line end. */
  public static String json() {
    try {
      return new JsonMapper().writerWithDefaultPrettyPrinter().writeValueAsString(tree()) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree can be written", e);
    }
  }

  /** As a tree. */
  static ObjectNode tree() {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    root.put("$schema", "http://json-schema.org/draft-07/schema#");
    root.setAll(RootSection.FORM.json());
    root.set("definitions", SchemaNode.definitions());
    return root;
  }
}
