package relay.config;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** Judges a document by a JSON Schema, as far as Relay's uses the language. */
final class SchemaCheck {
  private final JsonNode root;
  private final List<String> faults = new ArrayList<>();

  private SchemaCheck(JsonNode root) {
    this.root = root;
  }

  /** Where the document does not fit, and why; empty if it does. */
  static List<String> faults(JsonNode schema, JsonNode document) {
    SchemaCheck check = new SchemaCheck(schema);
    check.look(schema, document, "");
    return check.faults;
  }

  private boolean fits(JsonNode schema, JsonNode value) {
    SchemaCheck alone = new SchemaCheck(root);
    alone.look(schema, value, "");
    return alone.faults.isEmpty();
  }

  private void look(JsonNode schema, JsonNode value, String path) {
    if (schema.isBoolean()) {
      fault(schema.asBoolean(), path, "is not allowed here");
      return;
    }
    if (schema.has("$ref")) {
      look(root.at(schema.get("$ref").asText().substring(1)), value, path);
      return;
    }
    schema.fieldNames().forEachRemaining(keyword -> look(keyword, schema, value, path));
  }

  private void look(String keyword, JsonNode schema, JsonNode value, String path) {
    JsonNode says = schema.get(keyword);
    switch (keyword) {
      case "type" -> fault(isOf(says, value), path, "is not of type " + says);
      case "const" -> fault(says.equals(value), path, "is not " + says);
      case "enum" -> fault(contains(says, value), path, "is none of " + says);
      case "pattern" ->
          fault(
              !value.isTextual() || Pattern.compile(says.asText()).matcher(value.asText()).find(),
              path,
              "does not match " + says);
      case "minimum" ->
          fault(!value.isNumber() || value.asDouble() >= says.asDouble(), path, "is too small");
      case "maximum" ->
          fault(!value.isNumber() || value.asDouble() <= says.asDouble(), path, "is too large");
      case "exclusiveMinimum" ->
          fault(!value.isNumber() || value.asDouble() > says.asDouble(), path, "is too small");
      case "minItems" ->
          fault(!value.isArray() || value.size() >= says.asInt(), path, "has too few entries");
      case "maxItems" ->
          fault(!value.isArray() || value.size() <= says.asInt(), path, "has too many entries");
      case "items" -> {
        for (int n = 0; value.isArray() && n < value.size(); n++) {
          look(says, value.get(n), path + "[" + n + "]");
        }
      }
      case "properties" ->
          value
              .properties()
              .forEach(
                  each -> {
                    if (says.has(each.getKey())) {
                      look(says.get(each.getKey()), each.getValue(), path + "." + each.getKey());
                    }
                  });
      case "additionalProperties" ->
          value
              .properties()
              .forEach(
                  each -> {
                    if (!schema.path("properties").has(each.getKey())) {
                      look(says, each.getValue(), path + "." + each.getKey());
                    }
                  });
      case "required" ->
          says.forEach(
              name -> fault(!value.isObject() || value.has(name.asText()), path, "lacks " + name));
      case "anyOf" -> {
        boolean any = false;
        JsonNode mapping = null;
        for (JsonNode form : says) {
          any |= fits(form, value);
          mapping = form.has("properties") ? form : mapping;
        }
        if (value.isObject() && mapping != null) {
          look(mapping, value, path); // to say more than that no form fits
        } else {
          fault(any, path, "fits none of the forms");
        }
      }
      case "allOf" -> says.forEach(part -> look(part, value, path));
      case "if" -> {
        if (!fits(says, value)) {
          look(schema.get("else"), value, path);
        }
      }
      case "else", "title", "default", "examples", "$schema", "definitions" -> {}
      default -> throw new AssertionError("this check does not know " + keyword);
    }
  }

  private void fault(boolean good, String path, String wrong) {
    if (!good) {
      faults.add(path + " " + wrong);
    }
  }

  private static boolean contains(JsonNode values, JsonNode value) {
    for (JsonNode each : values) {
      if (each.equals(value)) {
        return true;
      }
    }
    return false;
  }

  private static boolean isOf(JsonNode types, JsonNode value) {
    if (types.isArray()) {
      for (JsonNode type : types) {
        if (isOf(type, value)) {
          return true;
        }
      }
      return false;
    }
    return switch (types.asText()) {
      case "object" -> value.isObject();
      case "array" -> value.isArray();
      case "string" -> value.isTextual();
      case "integer" -> value.isIntegralNumber();
      case "number" -> value.isNumber();
      case "boolean" -> value.isBoolean();
      case "null" -> value.isNull();
      default -> throw new AssertionError(types);
    };
  }
}
