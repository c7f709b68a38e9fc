package relay.config;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;

/** A configuration as it holds: each setting with its value and its origin. No secret is shown. */
public final class EffectiveConfig {
  private static final Pattern REFERENCE = Pattern.compile("\\$\\{([^}:]+(?::/[^}]+)?)[^}]*}");
  private static final Pattern BOUNDARY = Pattern.compile("[.\\[\\]]+");
  private static final String DEFAULT = "default";

  private final String file;
  private final Map<List<String>, String> origins = new HashMap<>(); // by the names of a path

  /**
   * A setting.
   *
   * @param path as in faults and in the log of a reload
   * @param value as it holds; of a secret only that there is one
   * @param origin the file and line, and the variables that the value names; or "default", or what
   *     it follows from
   */
  public record Setting(String path, String value, String origin) {}

  private EffectiveConfig(String file) {
    this.file = file;
  }

  /**
   * The settings of a valid configuration, in the order of their paths.
   *
   * @param file where the text is, for the origins
   */
  public static List<Setting> of(Path file, String text, Config config) {
    EffectiveConfig effective = new EffectiveConfig(file.toString());
    Node root = YamlSource.read(text, new Faults(file.toString()));
    if (root != null) {
      effective.read(List.of(), root);
    }
    List<Setting> settings = new ArrayList<>();
    ConfigOutline.of(config)
        .shown()
        .forEach((path, value) -> settings.add(new Setting(path, value, effective.origin(path))));
    return settings;
  }

  private void read(List<String> path, Node node) {
    switch (node) {
      case MappingNode mapping -> {
        for (NodeTuple each : mapping.getValue()) {
          if (each.getKeyNode() instanceof ScalarNode name) {
            read(below(path, name.getValue()), each.getValueNode());
          }
        }
      }
      case SequenceNode sequence -> {
        origins.put(path, place(sequence, ""));
        for (Node element : sequence.getValue()) {
          String name = name(element);
          if (name != null) {
            List<String> its = below(path, name);
            origins.put(its, DEFAULT); // what it does not state
            read(its, element);
          }
        }
      }
      case ScalarNode scalar -> origins.put(path, place(scalar, references(scalar.getValue())));
      default -> {}
    }
  }

  private static List<String> below(List<String> path, String name) {
    List<String> its = new ArrayList<>(path);
    BOUNDARY.splitAsStream(name).filter(part -> !part.isEmpty()).forEach(its::add);
    return its;
  }

  private static @Nullable String name(Node element) {
    if (element instanceof MappingNode mapping) {
      for (NodeTuple each : mapping.getValue()) {
        if (each.getKeyNode() instanceof ScalarNode key
            && each.getValueNode() instanceof ScalarNode value
            && List.of("name", "id", "model").contains(key.getValue())) {
          return value.getValue();
        }
      }
    }
    return null;
  }

  private String place(Node node, String references) {
    return "%s:%d%s".formatted(file, node.getStartMark().getLine() + 1, references);
  }

  private static String references(String value) {
    StringBuilder names = new StringBuilder();
    for (Matcher found = REFERENCE.matcher(value); found.find(); ) {
      names.append(", ${").append(found.group(1)).append('}');
    }
    return names.toString();
  }

  /** That of the setting, or of the list or element that has it. */
  private String origin(String path) {
    List<String> names = BOUNDARY.splitAsStream(path).filter(part -> !part.isEmpty()).toList();
    for (int n = names.size(); n > 0; n--) {
      String origin = origins.get(names.subList(0, n));
      if (origin != null) {
        return origin.equals(DEFAULT) ? derived(names) : origin;
      }
    }
    return DEFAULT;
  }

  /** What a provider does not state follows from other settings, or from what Relay knows. */
  private static String derived(List<String> names) {
    String part = names.size() > 2 ? names.get(2) : "";
    return switch (part) {
      case "groups" -> "the limits of its keys";
      case "api", "base_url", "model_classes" -> "what is known of its API";
      default -> DEFAULT;
    };
  }
}
