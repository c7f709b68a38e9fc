package relay.config;

import java.io.IOException;
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
 * One value of the file with its place. The methods that look into it report a fault and return
 * null, or something empty, where it is not what they expect.
 */
final class Value {

  /** What every value of a file shares. */
  record Context(Faults faults, References references) {}

  /** What YAML takes a scalar for. */
  enum Kind {
    /** Text without quotes. */
    PLAIN,
    /** Text in quotes, without a reference. */
    QUOTED,
    NUMBER,
    BOOLEAN,
    /** Text that a reference brought in: read as whatever the setting needs. */
    REFERENCE
  }

  /** A scalar with its references resolved. */
  record Scalar(String text, Kind kind) {

    /** The value as a message may show it: never what a reference brought in. */
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

  /** A fault whose remedy is a value of another form. */
  void refuse(String wrong, String form) {
    fault(wrong, "allowed: " + form);
  }

  boolean isNull() {
    return node.getTag().equals(Tag.NULL);
  }

  boolean isScalar() {
    return node instanceof ScalarNode && !isNull();
  }

  /** Any scalar but an empty one. */
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

  /**
   * Text. A number without quotes is taken as it is written: ids and model names may look like one.
   */
  @Nullable Scalar text(String expected) {
    Scalar scalar = scalar(expected);
    if (scalar != null && scalar.kind() == Kind.BOOLEAN) {
      fault("is a boolean in YAML, not text", "put it in quotes");
      return null;
    }
    return scalar;
  }

  /** A mapping; nothing at all counts as an empty one. */
  Section section() {
    if (node instanceof MappingNode mapping) {
      return Section.of(mapping, this, context);
    }
    if (isNull()) {
      return Section.empty(this, false);
    }
    wrongType("a mapping");
    return Section.empty(this, true);
  }

  /** The entries of a list; null if it is none. */
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
   * Reads a file that a value names; a relative one is looked for beside the configuration.
   *
   * @throws java.nio.file.InvalidPathException when no file can have this name
   */
  byte[] readFile(String name, int maxBytes) throws IOException {
    return context.references().read(name, maxBytes);
  }

  private void wrongType(String expected) {
    fault(
        isNull() ? "has no value" : "is " + type() + ", which does not belong here",
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
