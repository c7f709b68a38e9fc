package relay.config;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.ValueNode;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * One node of the JSON Schema. A scalar may be a reference such as <code>${NAME}</code>, too, for
 * what a reference brings in is not known before a start.
 */
final class SchemaNode {
  /** Where {@link #definitions} stand. */
  private static final String REFERENCE = "#/definitions/reference";

  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final ObjectNode node = JSON.objectNode();

  private SchemaNode(String title) {
    node.put("title", title);
  }

  ObjectNode json() {
    return node;
  }

  /** What scalars refer to. */
  static ObjectNode definitions() {
    ObjectNode definitions = JSON.objectNode();
    definitions
        .putObject("reference")
        .put("title", "${NAME}, ${NAME:-default} or ${file:/path}")
        .put("type", "string")
        .put("pattern", "\\$\\{[^}]+\\}");
    return definitions;
  }

  private static SchemaNode scalar(String title, ObjectNode own) {
    SchemaNode made = new SchemaNode(title);
    made.node.putArray("anyOf").add(own).addObject().put("$ref", REFERENCE);
    return made;
  }

  /** Numbers without quotes are texts, too, where a text is expected. */
  static SchemaNode text(String title) {
    ObjectNode own = JSON.objectNode();
    own.putArray("type").add("string").add("number");
    return scalar(title, own);
  }

  static SchemaNode text(String title, Pattern form) {
    ObjectNode own = JSON.objectNode().put("pattern", whole(form));
    if (form.matcher("0").matches()) { // a number without quotes is text, too
      own.putArray("type").add("string").add("number");
      if (!form.matcher("-1").matches()) {
        own.put("minimum", 0);
      }
    } else {
      own.put("type", "string");
    }
    return scalar(title, own);
  }

  private static String whole(Pattern form) {
    return "^(" + form.pattern() + ")$";
  }

  /** A number from 0. */
  static SchemaNode number(String title, double fallback, double max) {
    return amount(title, max).fallback(JSON.numberNode(fallback));
  }

  /** A number from 0 that is always stated, or else follows from another. */
  static SchemaNode amount(String title, double max) {
    return scalar(
        title, JSON.objectNode().put("type", "number").put("minimum", 0).put("maximum", max));
  }

  static <E extends Enum<E>> SchemaNode words(String title, Class<E> words) {
    ObjectNode own = JSON.objectNode();
    ArrayNode allowed = own.putArray("enum");
    Arrays.stream(words.getEnumConstants()).map(SchemaNode::word).forEach(allowed::add);
    return scalar(title, own);
  }

  static <E extends Enum<E>> SchemaNode words(String title, E fallback) {
    return words(title, fallback.getDeclaringClass()).fallback(word(fallback));
  }

  private static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  static SchemaNode list(String title, SchemaNode entries, int most) {
    SchemaNode made = new SchemaNode(title);
    made.node.put("type", "array").put("minItems", 1).put("maxItems", most);
    made.node.set("items", entries.node);
    return made;
  }

  SchemaNode mayBeEmpty() {
    node.remove("minItems");
    return this;
  }

  /** A mapping whose names are the user's. */
  static SchemaNode map(String title, SchemaNode values) {
    SchemaNode made = new SchemaNode(title);
    made.node.putArray("type").add("object").add("null");
    made.node.set("additionalProperties", values.node);
    return made;
  }

  /** A mapping of settings. Nothing at all is as good as an empty one. */
  static SchemaNode section(String title) {
    SchemaNode made = new SchemaNode(title);
    made.node.putArray("type").add("object").add("null");
    made.node.put("additionalProperties", false).putObject("properties");
    return made;
  }

  /** One of several forms. */
  static SchemaNode either(String title, List<ObjectNode> forms) {
    SchemaNode made = new SchemaNode(title);
    made.node.putArray("anyOf").addAll(forms);
    return made;
  }

  /** Declares a setting that its section takes by its name. */
  String declare(String name, SchemaNode setting) {
    with(name, setting);
    return name;
  }

  Setting<Integer> whole(String name, int fallback, int min, int max, String text) {
    Setting<Long> wide = whole(name, (long) fallback, (long) min, (long) max, text);
    return new Setting<>(name, in -> Math.toIntExact(wide.in(in)));
  }

  Setting<Long> whole(String name, long fallback, long min, long max, String text) {
    ObjectNode own =
        JSON.objectNode().put("type", "integer").put("minimum", min).put("maximum", max);
    with(name, scalar(text, own).fallback(JSON.numberNode(fallback)));
    return new Setting<>(name, in -> ScalarSettings.whole(in, name, fallback, min, max));
  }

  /** A time in milliseconds; its name ends with {@code _ms}. */
  Setting<Duration> time(String name, int fallback, int min, int max, String text) {
    Setting<Integer> millis = whole(name, fallback, min, max, text);
    return new Setting<>(name, in -> Duration.ofMillis(millis.in(in)));
  }

  /** A number in (0, 1]. */
  Setting<Double> ratio(String name, double fallback, String text) {
    ObjectNode own =
        JSON.objectNode().put("type", "number").put("exclusiveMinimum", 0).put("maximum", 1);
    with(name, scalar(text, own).fallback(JSON.numberNode(fallback)));
    return new Setting<>(name, in -> ScalarSettings.ratio(in, name, fallback));
  }

  /** A number from 0. */
  Setting<Double> number(String name, double fallback, double max, String text) {
    with(name, number(text, fallback, max));
    return new Setting<>(name, in -> ScalarSettings.number(in, name, fallback, 0, max));
  }

  Setting<Boolean> flag(String name, boolean fallback, String text) {
    ObjectNode own = JSON.objectNode().put("type", "boolean");
    with(name, scalar(text, own).fallback(JSON.booleanNode(fallback)));
    return new Setting<>(name, in -> ScalarSettings.flag(in, name, fallback));
  }

  <E extends Enum<E>> Setting<E> choice(String name, E fallback, String text) {
    with(name, words(text, fallback));
    return new Setting<>(name, in -> ScalarSettings.choice(in, name, fallback, Set.of()));
  }

  SchemaNode with(String name, SchemaNode setting) {
    Units units = Units.of(name);
    if (units != null) {
      setting
          .node
          .withArray("anyOf")
          .addObject()
          .put("type", "string")
          .put("pattern", whole(units.form()));
    }
    node.withObject("/properties").set(name, setting.node);
    return this;
  }

  SchemaNode need(String... names) {
    node.put("type", "object");
    Arrays.stream(names).forEach(node.withArray("required")::add);
    return this;
  }

  SchemaNode fallback(String text) {
    return fallback(JSON.textNode(text));
  }

  private SchemaNode fallback(ValueNode value) {
    node.set("default", value);
    return this;
  }

  SchemaNode example(String... texts) {
    Arrays.stream(texts).forEach(node.withArray("examples")::add);
    return this;
  }

  /** Settings that only one type of provider has. */
  SchemaNode only(ProviderType type, String... names) {
    ObjectNode rule = node.withArray("allOf").addObject();
    rule.putObject("if").putObject("properties").putObject("type").put("const", word(type));
    ObjectNode otherwise = rule.putObject("else").putObject("properties");
    Arrays.stream(names).forEach(name -> otherwise.put(name, false));
    return this;
  }
}
