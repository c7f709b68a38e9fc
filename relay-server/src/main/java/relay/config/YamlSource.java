package relay.config;

import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.composer.Composer;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.CollectionNode;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;
import org.yaml.snakeyaml.parser.ParserImpl;
import org.yaml.snakeyaml.reader.ReaderException;
import org.yaml.snakeyaml.reader.StreamReader;
import org.yaml.snakeyaml.resolver.Resolver;

/**
 * Parses text into a tree of YAML nodes with their places. Size, depth and alias expansion are
 * bounded. Tags never construct objects.
 */
final class YamlSource {
  static final int MAX_CHARS = 8 * 1024 * 1024;
  static final int MAX_DEPTH = 50;
  static final long MAX_NODES = 1_000_000;
  private static final int MAX_ALIASES = 10_000;
  private static final String YAML = "yaml";
  private static final Set<Tag> PLAIN_TAGS =
      Set.of(
          Tag.STR,
          Tag.INT,
          Tag.FLOAT,
          Tag.BOOL,
          Tag.NULL,
          Tag.TIMESTAMP,
          Tag.MAP,
          Tag.SEQ,
          Tag.MERGE);

  private final Faults faults;
  private final Resolver resolver = new Resolver();
  private final Map<Node, Long> sizes = new HashMap<>();
  private final Set<Node> open = new HashSet<>();

  private YamlSource(Faults faults) {
    this.faults = faults;
  }

  /** The root; null after a fault. */
  static @Nullable Node read(String text, Faults faults) {
    if (text.length() > MAX_CHARS) {
      faults.add(
          new Place(1, 1, YAML),
          "the file is too long",
          "allowed: at most " + MAX_CHARS + " characters");
      return null;
    }
    Node root = compose(text, faults);
    if (root == null) {
      if (faults.isClean()) {
        faults.add(new Place(1, 1, YAML), "the file is empty", "give at least providers");
      }
      return null;
    }
    YamlSource source = new YamlSource(faults);
    return source.size(root) > 0 && faults.isClean() ? root : null;
  }

  private static @Nullable Node compose(String text, Faults faults) {
    LoaderOptions options = new LoaderOptions();
    options.setCodePointLimit(MAX_CHARS);
    options.setNestingDepthLimit(MAX_DEPTH);
    options.setMaxAliasesForCollections(MAX_ALIASES);
    try {
      return new Composer(new ParserImpl(new StreamReader(text), options), new Resolver(), options)
          .getSingleNode();
    } catch (ReaderException e) {
      faults.add(
          placeOf(text, e.getPosition()),
          "a character that YAML does not allow",
          "allowed: printable characters, in double quotes as \\u0000 escapes");
    } catch (MarkedYAMLException e) {
      Mark mark = e.getProblemMark() == null ? e.getContextMark() : e.getProblemMark();
      Place place = mark == null ? new Place(1, 1, YAML) : Place.of(mark, YAML);
      if (isUnquotedReference(text, mark)) {
        faults.add(
            place, "${ in { } or [ ] begins a mapping in YAML", "quote the reference: \"${NAME}\"");
      } else {
        faults.add(place, problem(e), "give one document of plain YAML, indented by spaces");
      }
    } catch (YAMLException e) {
      faults.add(
          new Place(1, 1, YAML),
          "the YAML is nested too deeply or has too many aliases",
          "allowed: at most " + MAX_DEPTH + " levels and " + MAX_ALIASES + " aliases");
    }
    return null;
  }

  /** Inside of { } and [ ] the brace of a reference without quotes begins a mapping. */
  private static boolean isUnquotedReference(String text, @Nullable Mark mark) {
    int at = mark == null ? 0 : text.offsetByCodePoints(0, mark.getIndex());
    return at > 0 && text.startsWith("${", at - 1);
  }

  /** The parser's message, without any of the file's content. */
  private static String problem(MarkedYAMLException e) {
    String problem = String.valueOf(e.getProblem());
    if (problem.startsWith("found undefined alias")) {
      return "an alias without its anchor";
    }
    if (problem.startsWith("expected a single document")
        || problem.startsWith("but found another document")) {
      return "a second document in the file";
    }
    if (problem.contains("TAB")) {
      return "a tab";
    }
    if (problem.contains("tag")) {
      return "a YAML tag";
    }
    if (problem.contains("cannot start any token")) {
      return "a text that begins with @, % or ` and has no quotes";
    }
    if (problem.startsWith("mapping values are not allowed")) {
      return "a `: ` in a text without quotes, or a wrong indentation";
    }
    if (problem.startsWith("expected <block end>")) {
      return "a line that fits no line above by its indentation or its dash";
    }
    // Text after "found" quotes the file; text after "expected" does not.
    String words = problem.startsWith("found") ? problem.replaceAll("\\s*'.*'", "") : problem;
    return "bad YAML: " + words.replaceAll("\\p{Cntrl}", "?");
  }

  private static Place placeOf(String text, int index) {
    int end = text.offsetByCodePoints(0, Math.min(index, text.codePointCount(0, text.length())));
    String before = text.substring(0, end);
    int line = 1 + (int) before.chars().filter(c -> c == '\n').count();
    String lastLine = before.substring(before.lastIndexOf('\n') + 1);
    return new Place(line, 1 + lastLine.codePointCount(0, lastLine.length()), YAML);
  }

  /** The number of nodes in a subtree with aliases expanded; 0 after a fault. */
  private long size(Node node) {
    Long known = sizes.get(node);
    if (known != null) {
      return known;
    }
    if (!open.add(node)) {
      return fault(node, "an alias inside its own anchor", "write the value out");
    }
    long size = 1;
    for (Node part : parts(node)) {
      long more = size(part);
      if (more == 0) {
        return 0;
      }
      size += more;
    }
    if (hasForeignTag(node)) {
      return fault(node, "a YAML tag", "give plain values, without tags");
    }
    if (size > MAX_NODES) {
      return fault(
          node, "too many values after expanding aliases", "allowed: at most " + MAX_NODES);
    }
    open.remove(node);
    sizes.put(node, size);
    return size;
  }

  private long fault(Node node, String wrong, String allowed) {
    faults.add(Place.of(node, YAML), wrong, allowed);
    return 0;
  }

  private static Iterable<Node> parts(Node node) {
    return switch (node) {
      case SequenceNode sequence -> sequence.getValue();
      case MappingNode mapping ->
          () ->
              mapping.getValue().stream()
                  .flatMap(
                      (NodeTuple tuple) ->
                          Arrays.asList(tuple.getKeyNode(), tuple.getValueNode()).stream())
                  .iterator();
      default -> Set.of();
    };
  }

  private boolean hasForeignTag(Node node) {
    if (!PLAIN_TAGS.contains(node.getTag())) {
      return true;
    }
    return switch (node) {
      case ScalarNode scalar ->
          !scalar
              .getTag()
              .equals(resolver.resolve(scalar.getNodeId(), scalar.getValue(), scalar.isPlain()));
      case CollectionNode<?> collection ->
          !collection.getTag().equals(resolver.resolve(collection.getNodeId(), "", true));
      default -> true;
    };
  }
}
