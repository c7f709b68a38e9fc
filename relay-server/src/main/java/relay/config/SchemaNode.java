package relay.config;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * One node of the JSON Schema. A scalar may be a reference such as <code>${NAME}</code>, too, for
 * what a reference brings in is not known before a start.
 */
final class SchemaNode {
  /** Where {@link #definitions} stand. */
  private static final String REFERENCE = "#/definitions/reference";

  /** In order. Every start declares the settings, and few need the JSON: it is made on demand. */
  private final List<Consumer<ObjectNode>> parts = new ArrayList<>();

  private SchemaNode(String title) {
    add(node -> node.put("title", title));
  }

  private SchemaNode add(Consumer<ObjectNode> part) {
    parts.add(part);
    return this;
  }

  ObjectNode json() {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    parts.forEach(part -> part.accept(node));
    return node;
  }

  /** What scalars refer to. */
  static ObjectNode definitions() {
    ObjectNode definitions = JsonNodeFactory.instance.objectNode();
    definitions
        .putObject("reference")
        .put("title", "${NAME}, ${NAME:-default} or ${file:/path}")
        .put("type", "string")
        .put("pattern", "\\$\\{[^}]+\\}");
    return definitions;
  }

  private static SchemaNode scalar(String title, Consumer<ObjectNode> own) {
    return new SchemaNode(title)
        .add(
            node -> {
              ArrayNode forms = node.putArray("anyOf");
              own.accept(forms.addObject());
              forms.addObject().put("$ref", REFERENCE);
            });
  }

  /** Numbers without quotes are texts, too, where a text is expected. */
  static SchemaNode text(String title) {
    return scalar(title, own -> own.putArray("type").add("string").add("number"));
  }

  static SchemaNode text(String title, Pattern form) {
    return scalar(title, own -> text(own.put("pattern", whole(form)), form));
  }

  private static void text(ObjectNode own, Pattern form) {
    if (form.matcher("0").matches()) { // a number without quotes is text, too
      own.putArray("type").add("string").add("number");
      if (!form.matcher("-1").matches()) {
        own.put("minimum", 0);
      }
    } else {
      own.put("type", "string");
    }
  }

  private static String whole(Pattern form) {
    return "^(" + form.pattern() + ")$";
  }

  /** A number from 0. */
  static SchemaNode number(String title, double fallback, double max) {
    return amount(title, max).add(node -> node.put("default", fallback));
  }

  /** A number from 0 that is always stated, or else follows from another. */
  static SchemaNode amount(String title, double max) {
    return scalar(title, own -> own.put("type", "number").put("minimum", 0).put("maximum", max));
  }

  static <E extends Enum<E>> SchemaNode words(String title, Class<E> words) {
    return scalar(
        title,
        own -> {
          ArrayNode allowed = own.putArray("enum");
          Arrays.stream(words.getEnumConstants()).map(SchemaNode::word).forEach(allowed::add);
        });
  }

  static <E extends Enum<E>> SchemaNode words(String title, E fallback) {
    return words(title, fallback.getDeclaringClass()).fallback(word(fallback));
  }

  private static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  static SchemaNode list(String title, SchemaNode entries, int most) {
    return new SchemaNode(title)
        .add(
            node -> {
              node.put("type", "array").put("minItems", 1).put("maxItems", most);
              node.set("items", entries.json());
            });
  }

  SchemaNode mayBeEmpty() {
    return add(node -> node.remove("minItems"));
  }

  /** A mapping whose names are the user's. */
  static SchemaNode map(String title, SchemaNode values) {
    return new SchemaNode(title)
        .add(
            node -> {
              node.putArray("type").add("object").add("null");
              node.set("additionalProperties", values.json());
            });
  }

  /** A mapping of settings. Nothing at all is as good as an empty one. */
  static SchemaNode section(String title) {
    return new SchemaNode(title)
        .add(
            node -> {
              node.putArray("type").add("object").add("null");
              node.put("additionalProperties", false).putObject("properties");
            });
  }

  /** A section that is not as good as nothing if it is empty. */
  SchemaNode stated() {
    return add(node -> node.put("type", "object"));
  }

  /** One word and no other. */
  static SchemaNode word(String title, String word) {
    return new SchemaNode(title).add(node -> node.put("const", word));
  }

  /** One of several forms. */
  static SchemaNode either(String title, SchemaNode... forms) {
    return new SchemaNode(title)
        .add(
            node -> {
              ArrayNode all = node.putArray("anyOf");
              for (SchemaNode form : forms) {
                all.add(form.json());
              }
            });
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
    SchemaNode number =
        scalar(text, own -> own.put("type", "integer").put("minimum", min).put("maximum", max));
    with(name, number.add(node -> node.put("default", fallback)));
    return new Setting<>(name, in -> ScalarSettings.whole(in, name, fallback, min, max));
  }

  /** A time in milliseconds; its name ends with {@code _ms}. */
  Setting<Duration> time(String name, int fallback, int min, int max, String text) {
    Setting<Integer> millis = whole(name, fallback, min, max, text);
    return new Setting<>(name, in -> Duration.ofMillis(millis.in(in)));
  }

  /** A number in (0, 1]. */
  Setting<Double> ratio(String name, double fallback, String text) {
    SchemaNode number =
        scalar(text, own -> own.put("type", "number").put("exclusiveMinimum", 0).put("maximum", 1));
    with(name, number.add(node -> node.put("default", fallback)));
    return new Setting<>(name, in -> ScalarSettings.ratio(in, name, fallback));
  }

  /** A number from 0. */
  Setting<Double> number(String name, double fallback, double max, String text) {
    with(name, number(text, fallback, max));
    return new Setting<>(name, in -> ScalarSettings.number(in, name, fallback, 0, max));
  }

  Setting<Boolean> flag(String name, boolean fallback, String text) {
    SchemaNode flag = scalar(text, own -> own.put("type", "boolean"));
    with(name, flag.add(node -> node.put("default", fallback)));
    return new Setting<>(name, in -> ScalarSettings.flag(in, name, fallback));
  }

  <E extends Enum<E>> Setting<E> choice(String name, E fallback, String text) {
    with(name, words(text, fallback));
    return new Setting<>(name, in -> ScalarSettings.choice(in, name, fallback, Set.of()));
  }

  SchemaNode with(String name, SchemaNode setting) {
    Units units = Units.of(name);
    if (units != null) {
      setting.add(
          node ->
              node.withArray("anyOf")
                  .addObject()
                  .put("type", "string")
                  .put("pattern", whole(units.form())));
    }
    return add(node -> node.withObject("/properties").set(name, setting.json()));
  }

  SchemaNode need(String... names) {
    return stated().add(node -> Arrays.stream(names).forEach(node.withArray("required")::add));
  }

  SchemaNode fallback(String text) {
    return add(node -> node.put("default", text));
  }

  SchemaNode example(String... texts) {
    return add(node -> Arrays.stream(texts).forEach(node.withArray("examples")::add));
  }

  /** Settings that only one type of provider has. */
  SchemaNode only(ProviderType type, String... names) {
    return add(
        node -> {
          ObjectNode rule = node.withArray("allOf").addObject();
          rule.putObject("if").putObject("properties").putObject("type").put("const", word(type));
          ObjectNode otherwise = rule.putObject("else").putObject("properties");
          Arrays.stream(names).forEach(name -> otherwise.put(name, false));
        });
  }
}
