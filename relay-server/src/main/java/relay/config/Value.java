package relay.config;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;
import relay.config.References.Resolution;

/**
 * One value of the file, with its place. The accessors report a fault and return null or an empty
 * result if the value has the wrong type.
 */
final class Value {

  /** The state shared by all values of a file. */
  record Context(Faults faults, References references) {}

  /** How YAML classifies a scalar. */
  enum Kind {
    /** Text without quotes. */
    PLAIN,
    /** Text in quotes, without a reference. */
    QUOTED,
    NUMBER,
    BOOLEAN,
    /** Text from a resolved reference. It may be read as any type. */
    REFERENCE
  }

  /** A scalar with its references resolved. */
  record Scalar(String text, Kind kind) {

    /** The value for messages. A value from a reference is never shown. */
    String shown() {
      return kind != Kind.REFERENCE && FaultWording.mayShow(text) ? "`" + text + "`" : "the value";
    }
  }

  private final Node node;
  private final Place place;
  private final Context context;

  Value(Node node, String path, Context context) {
    this.node = node;
    this.place = Place.of(node, path);
    this.context = context;
  }

  Place place() {
    return place;
  }

  String path() {
    return place.path();
  }

  Faults faults() {
    return context.faults();
  }

  void fault(String wrong, String allowed) {
    faults().add(place, wrong, allowed);
  }

  /** Reports a fault; {@code form} describes the allowed values. */
  void refuse(String wrong, String form) {
    fault(wrong, "allowed: " + form);
  }

  boolean isNull() {
    return node.getTag().equals(Tag.NULL);
  }

  boolean isScalar() {
    return node instanceof ScalarNode && !isNull();
  }

  /** Any scalar; an empty value is a fault. */
  @Nullable Scalar scalar(String expected) {
    if (!(node instanceof ScalarNode scalar) || isNull()) {
      wrongType(expected);
      return null;
    }
    return switch (context.references().resolve(scalar.getValue())) {
      case Resolution.Broken broken -> {
        fault(broken.wrong(), broken.allowed());
        yield null;
      }
      case Resolution.Resolved resolved ->
          new Scalar(resolved.value(), resolved.literal() ? kind(scalar) : Kind.REFERENCE);
    };
  }

  /** Whether it refers to a secret that this process lacks, and need not have. */
  boolean isLacking() {
    return node instanceof ScalarNode scalar && context.references().lacks(scalar.getValue());
  }

  private static Kind kind(ScalarNode scalar) {
    if (!scalar.isPlain()) {
      return Kind.QUOTED;
    }
    if (scalar.getTag().equals(Tag.BOOL)) {
      return Kind.BOOLEAN;
    }
    return scalar.getTag().equals(Tag.INT) || scalar.getTag().equals(Tag.FLOAT)
        ? Kind.NUMBER
        : Kind.PLAIN;
  }

  /** Text. Unquoted numbers count as text: ids and model names may look like numbers. */
  @Nullable Scalar text(String expected) {
    Scalar scalar = scalar(expected);
    if (scalar != null && scalar.kind() == Kind.BOOLEAN) {
      fault("is a boolean in YAML, not text", "put it in quotes");
      return null;
    }
    return scalar;
  }

  /** A mapping; no value counts as an empty mapping. */
  Section section() {
    return section("a mapping");
  }

  /**
   * A mapping; no value counts as an empty mapping.
   *
   * @param expected what to give instead of anything else
   */
  Section section(String expected) {
    if (node instanceof MappingNode mapping) {
      return Section.of(mapping, this, context);
    }
    if (isNull()) {
      return Section.empty(this, false);
    }
    wrongType(expected);
    return Section.empty(this, true);
  }

  /** The entries of a list; null after a fault. */
  @Nullable List<Value> list(int maxEntries, String expected) {
    if (!(node instanceof SequenceNode sequence)) {
      wrongType(expected);
      return null;
    }
    if (sequence.getValue().size() > maxEntries) {
      refuse("has too many entries", maxEntries + " at most");
      return null;
    }
    List<Value> entries = new ArrayList<>();
    for (Node entry : sequence.getValue()) {
      entries.add(new Value(entry, path() + "[" + entries.size() + "]", context));
    }
    return entries;
  }

  /**
   * Reads a file; a relative name is resolved against the configuration file's directory.
   *
   * @throws java.nio.file.InvalidPathException if the name is not a valid path
   */
  byte[] readFile(String name, int maxBytes) throws IOException {
    return context.references().read(name, maxBytes);
  }

  /** Where a relative name of a file leads. */
  Path resolved(String name) {
    return context.references().resolved(name);
  }

  /** A variable of the environment; empty if it is not set. */
  String environment(String name) {
    return context.references().environment(name);
  }

  /**
   * The content of a file that a value names. Faults in it have its name, and relative names in it
   * are resolved against its directory. Null after a fault.
   */
  @Nullable Value document(String name, byte[] utf8) {
    Faults faults = faults().in(context.references().resolved(name).toString());
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString();
      Node root = YamlSource.read(text.startsWith("\uFEFF") ? text.substring(1) : text, faults);
      return root == null
          ? null
          : new Value(root, "", new Context(faults, context.references().beside(name)));
    } catch (CharacterCodingException e) {
      fault("names a file that is not UTF-8", "save it as UTF-8");
      return null;
    }
  }

  private void wrongType(String expected) {
    fault(
        isNull() ? "has no value" : "is " + type() + ", which is not allowed here",
        "give " + expected);
  }

  private String type() {
    return switch (node) {
      case MappingNode mapping -> "a mapping";
      case SequenceNode sequence -> "a list";
      default -> "a single value";
    };
  }
}
