package relay.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/** The schema and the loader agree: about every setting's name, form, bounds, words and default. */
@Tag("slow")
class ConfigSchemaTest {
  private static final Path DEPLOY = Path.of("..", "deploy");
  private static final Path COMMITTED = DEPLOY.resolve("relay.schema.json");
  private static final JsonNode SCHEMA = ConfigSchema.tree();
  private static final String UNKNOWN = "zzzzzzzzzzzzzzzzzzzzzzzz";

  /** A setting by its section and name. */
  record Setting(String section, String name, JsonNode schema) {
    @Override
    public String toString() {
      return section + "/" + name;
    }

    /** The part of its schema that is no reference. */
    JsonNode own() {
      return schema.path("anyOf").path(0);
    }

    boolean isScalar() {
      return schema.path("anyOf").size() == 2 && schema.path("anyOf").path(1).has("$ref");
    }
  }

  private static Map<String, JsonNode> sections() {
    Map<String, JsonNode> sections = new LinkedHashMap<>();
    collect("", SCHEMA, sections);
    return sections;
  }

  private static void collect(String path, JsonNode node, Map<String, JsonNode> sections) {
    if (node.has("properties")) {
      sections.put(path, node);
      node.get("properties")
          .properties()
          .forEach(each -> collect(path + "/" + each.getKey(), each.getValue(), sections));
    } else if (node.has("items")) {
      collect(path + "[]", node.get("items"), sections);
    } else if (node.path("additionalProperties").has("properties")) {
      collect(path + "{}", node.get("additionalProperties"), sections);
    } else if (node.path("anyOf").path(1).has("properties")) { // auth: a word, or a mapping
      collect(path, node.get("anyOf").get(1), sections);
    }
  }

  static Stream<Setting> scalars() {
    return sections().entrySet().stream()
        .flatMap(
            section ->
                section.getValue().get("properties").properties().stream()
                    .map(each -> new Setting(section.getKey(), each.getKey(), each.getValue())))
        .filter(Setting::isScalar);
  }

  @Test
  void the_committed_file_is_what_relay_schema_prints() throws IOException {
    if (Boolean.getBoolean("schema.write")) {
      Files.writeString(COMMITTED, ConfigSchema.json());
    }
    assertEquals(
        ConfigSchema.json(), Files.readString(COMMITTED), "write it with -Dschema.write=true");
  }

  @Test
  void the_loader_knows_the_same_settings_in_the_same_sections() {
    Map<String, JsonNode> sections = sections();
    assertEquals(new TreeSet<>(SectionFiles.sections()), new TreeSet<>(sections.keySet()));
    Pattern known = Pattern.compile("not a known setting; allowed: (.*)");
    SectionFiles.forEach(
        (section, files) -> {
          Set<String> loader = new TreeSet<>();
          for (String file : files) {
            String faults = String.join("\n", Given.faults(file.formatted(UNKNOWN + ": 1")));
            Matcher matcher = known.matcher(faults);
            assertTrue(matcher.find(), section + ": " + faults);
            assertFalse(matcher.group(1).contains("..."), "FaultWording lists too few");
            loader.addAll(List.of(matcher.group(1).split(", ")));
          }
          Set<String> schema = new TreeSet<>();
          Objects.requireNonNull(sections.get(section))
              .get("properties")
              .fieldNames()
              .forEachRemaining(schema::add);
          assertEquals(schema, loader, section);
        });
  }

  /** Values to try, as YAML has them. */
  private static Set<String> tries(Setting setting) {
    JsonNode own = setting.own();
    Set<String> tries = new LinkedHashSet<>(List.of("true", "-1", "0", "1", "1.5", "[]", "{}"));
    tries.addAll(List.of("\"\"", "zzz", "\" a \"", "\"a b\"", "0123456789abcdef", "null"));
    tries.addAll(List.of("a".repeat(65), "a".repeat(300), "\"1\"", "\"true\"", "a*", "A_9"));
    tries.add('"' + "0123456789abcdef".repeat(4) + '"');
    for (String bound : List.of("minimum", "maximum")) {
      if (own.has(bound)) {
        long at = own.get(bound).asLong();
        tries.addAll(List.of("" + at, "" + (at - 1), "" + (at + 1)));
      }
    }
    own.path("enum").forEach(word -> tries.add(word.asText()));
    setting.schema().path("examples").forEach(example -> tries.add('"' + example.asText() + '"'));
    if (setting.schema().has("default")) {
      tries.add(setting.schema().get("default").asText());
    }
    return tries;
  }

  private static List<String> files(Setting setting) {
    return switch (setting.toString()) { // the others need these two
      case "/providers[]/name" -> List.of("providers: [{type: anthropic, keys: [{key: k}], %s}]\n");
      case "/providers[]/type" -> List.of("providers: [{name: p, keys: [{key: k}], %s}]\n");
      default -> SectionFiles.of(setting.section());
    };
  }

  /** The loader may be stricter only where a form is richer than a pattern says. */
  private static final Set<String> STRICTER =
      Set.of(
          "/server/listen",
          "/server/admin_listen",
          "/server/admin_token",
          "/server/tls/certificate",
          "/server/tls/private_key",
          "/server/auth/api_key",
          "/server/auth/clients_file",
          "/server/auth/clients[]/key",
          "/server/auth/clients[]/budget[]/usd", // one of the two
          "/server/auth/clients[]/budget[]/tokens",
          "/server/auth/clients[]/budget[]/per",
          "/prices[]/model", // a file states them already
          "/prices[]/input",
          "/prices[]/output",
          "/redis/url",
          "/redis/cluster",
          "/redis/username",
          "/redis/password_file",
          "/redis/tls/ca",
          "/redis/tls/certificate",
          "/redis/tls/private_key",
          "/providers[]/base_url",
          "/providers[]/api", // by the type
          "/providers[]/login_url",
          "/providers[]/pooling/day/zone",
          "/providers[]/proxy",
          "/providers[]/tls/ca",
          "/providers[]/tls/certificate",
          "/providers[]/tls/private_key",
          "/providers[]/keys[]/key",
          "/providers[]/keys[]/session_token",
          "/providers[]/keys[]/token_file",
          "/providers[]/keys[]/workspace", // one that is listed
          "/routing/default_provider");

  @ParameterizedTest
  @MethodSource("scalars")
  void both_take_and_refuse_the_same(Setting setting) throws IOException {
    int taken = 0;
    int refused = 0;
    for (String value : tries(setting)) {
      for (String file : files(setting)) {
        String yaml = file.formatted(setting.name() + ": " + value);
        List<String> loader =
            Given.lines(Given.load(yaml, Map.of("TEAM_A_KEY", "x", "RELAY_API_KEY", "x"))).stream()
                .filter(fault -> isAt(fault, setting.name()))
                .toList();
        if (loader.stream().anyMatch(fault -> fault.contains("not a known setting"))) {
          continue; // another type of provider has it
        }
        if (yaml.contains("${") && !loader.isEmpty()) {
          continue; // the reference names what is not there
        }
        List<String> schema =
            SchemaCheck.faults(SCHEMA, tree(yaml)).stream()
                .filter(fault -> fault.split(" ", 2)[0].endsWith("." + setting.name()))
                .toList();
        String about = "%s: loader %s, schema %s".formatted(yaml, loader, schema);
        if (loader.isEmpty()) {
          taken++;
          assertEquals(List.of(), schema, about);
        } else {
          refused++;
          assertTrue(!schema.isEmpty() || STRICTER.contains(setting.toString()), about);
        }
      }
    }
    assertTrue(taken > 0 || STRICTER.contains(setting.toString()), setting + " was never taken");
    assertTrue(refused > 0, setting + " was never refused");
  }

  private static boolean isAt(String fault, String name) {
    return fault.matches("relay\\.yaml:\\d+:\\d+: ([^ ]*\\.)?" + name + ": .*")
        && !fault.contains(": is missing;");
  }

  /** Without those of a class's limits: a mapping without any states none. */
  static Stream<Setting> defaults() {
    return scalars()
        .filter(setting -> setting.schema().has("default"))
        .filter(setting -> !setting.section().contains("[]/limits"));
  }

  @ParameterizedTest
  @MethodSource("defaults")
  void a_default_is_what_absence_means(Setting setting) throws IOException {
    String value = setting.schema().get("default").asText();
    int compared = 0;
    for (String file : SectionFiles.of(setting.section())) {
      String with = file.formatted(setting.name() + ": " + quoted(value) + rest(setting));
      String without = file.formatted("# \n" + rest(setting).replaceFirst(", ", ""));
      if (Given.load(with) instanceof Loaded.Valid(Config stated)
          && Given.load(without) instanceof Loaded.Valid(Config absent)) {
        compared++;
        assertEquals(absent, stated, setting.toString());
      }
    }
    assertTrue(compared > 0, setting + ": no file is valid");
  }

  private static String quoted(String value) {
    return value.matches("[0-9.]+|true|false") ? value : '"' + value + '"';
  }

  /** What a section needs besides. */
  private static String rest(Setting setting) {
    return switch (setting.section()) {
      case "/server/auth/clients[]" -> ", name: c, key: client-key";
      case "/providers[]/keys[]" -> ", key: a-key";
      case "/providers[]/workspaces[]" -> ", name: w";
      case "/providers[]" -> ", base_url: \"http://localhost\"";
      default -> "";
    };
  }

  @Test
  void the_examples_fit() throws IOException {
    List<Path> files = new ArrayList<>(List.of(DEPLOY.resolve("relay.yaml")));
    try (Stream<Path> examples = Files.list(DEPLOY.resolve("examples"))) {
      files.addAll(examples.filter(file -> file.toString().endsWith(".yaml")).toList());
    }
    files.add(DEPLOY.resolve("kubernetes/relay.yaml"));
    files.add(DEPLOY.resolve("compose/relay.yaml"));
    assertTrue(files.size() > 8);
    for (Path file : files) {
      String yaml = Files.readString(file);
      assertEquals(List.of(), SchemaCheck.faults(SCHEMA, tree(yaml)), file.toString());
      Path up = Objects.requireNonNull(file.getParent()).relativize(COMMITTED);
      assertTrue(
          yaml.startsWith("# yaml-language-server: $schema=" + up + "\n"), file + " names " + up);
    }
  }

  /** Whatever the loader takes, editors do not mark. */
  @Test
  void what_the_loader_takes_fits() throws IOException {
    String whole = Files.readString(ExampleTest.EXAMPLE);
    int taken = 0;
    for (long seed = 0; seed < 600; seed++) {
      String yaml = MutationTest.damage(whole, new Random(seed));
      if (Given.load(yaml, ExampleTest.ENVIRONMENT) instanceof Loaded.Valid) {
        taken++;
        assertEquals(
            List.of(), SchemaCheck.faults(SCHEMA, tree(yaml)), "seed " + seed + ":\n" + yaml);
      }
    }
    assertTrue(taken > 20, "only " + taken + " were valid");
  }

  private static JsonNode tree(String yaml) {
    String text = yaml.startsWith("\uFEFF") ? yaml.substring(1) : yaml;
    Object loaded = new Yaml(new SafeConstructor(new LoaderOptions())).load(text);
    return new ObjectMapper().valueToTree(plain(loaded));
  }

  /** YAML 1.1 takes words for dates that Relay takes for text. */
  private static Object plain(Object value) {
    return switch (value) {
      case Map<?, ?> map -> {
        Map<String, Object> plain = new LinkedHashMap<>();
        map.forEach(
            (name, each) -> plain.put(String.valueOf(name), each == null ? null : plain(each)));
        yield plain;
      }
      case List<?> list -> {
        List<Object> plain = new ArrayList<>();
        list.forEach(each -> plain.add(each == null ? null : plain(each)));
        yield plain;
      }
      case Date date -> date.toInstant().toString().substring(0, "2024-10-21".length());
      case null -> Map.of();
      default -> value;
    };
  }
}
