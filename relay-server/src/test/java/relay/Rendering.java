package relay;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import okhttp3.tls.HeldCertificate;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import relay.config.Config;
import relay.config.ConfigFault;
import relay.config.ConfigFile;
import relay.config.Loaded;

/**
 * The objects of one file in {@code deploy/rendered}.
 *
 * @param name the file's, without its ending
 */
record Rendering(String name, List<JsonNode> objects) {
  static final Path DEPLOY = Path.of("..", "deploy");
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String AUTHORITY = new HeldCertificate.Builder().build().certificatePem();
  private static final String CLIENTS =
      "clients: [{ name: team-a, key_sha256: " + "5e".repeat(32) + " }]\n";
  private static final List<String> ONLY_HELM =
      List.of(
          "imagePullPolicy",
          "app.kubernetes.io/instance",
          "app.kubernetes.io/managed-by",
          "app.kubernetes.io/version",
          "helm.sh/chart");

  static List<Rendering> all() {
    try (Stream<Path> files = Files.list(DEPLOY.resolve("rendered"))) {
      return files
          .filter(file -> file.toString().endsWith(".yaml"))
          .sorted()
          .map(
              file ->
                  new Rendering(
                      file.getFileName().toString().replace(".yaml", ""), documents(file)))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Rendering of(String name) {
    return all().stream().filter(one -> one.name().equals(name)).findAny().orElseThrow();
  }

  /** The documents of a file, without duplicate keys; merges and aliases are resolved. */
  static List<JsonNode> documents(Path file) {
    LoaderOptions options = new LoaderOptions();
    options.setAllowDuplicateKeys(false);
    List<JsonNode> documents = new ArrayList<>();
    try {
      for (Object document :
          new Yaml(new SafeConstructor(options)).loadAll(Files.readString(file))) {
        documents.add(JSON.valueToTree(document));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return documents;
  }

  List<JsonNode> of(Kind kind) {
    return objects.stream().filter(o -> o.path("kind").asText().equals(kind.name())).toList();
  }

  /** The one object of a kind. */
  JsonNode only(Kind kind) {
    List<JsonNode> found = of(kind);
    assertEquals(1, found.size(), () -> name + ": " + kind);
    return found.getFirst();
  }

  /** The container of a replica. */
  JsonNode replica() {
    return only(Kind.Deployment).at("/spec/template/spec/containers/0");
  }

  /** The pods' templates whose labels a selector selects. */
  List<JsonNode> pods(JsonNode selector) {
    return Stream.concat(of(Kind.Deployment).stream(), of(Kind.StatefulSet).stream())
        .map(workload -> workload.at("/spec/template"))
        .filter(template -> selects(selector, template.at("/metadata/labels")))
        .toList();
  }

  static boolean selects(JsonNode selector, JsonNode labels) {
    Iterator<Map.Entry<String, JsonNode>> wanted = selector.properties().iterator();
    while (wanted.hasNext()) {
      Map.Entry<String, JsonNode> label = wanted.next();
      if (!label.getValue().equals(labels.get(label.getKey()))) {
        return false;
      }
    }
    return !selector.isEmpty();
  }

  /** The container ports of a pod, by name. */
  static Map<String, Integer> ports(JsonNode pod) {
    Map<String, Integer> ports = new TreeMap<>();
    for (JsonNode port : pod.at("/spec/containers/0/ports")) {
      ports.put(port.get("name").asText(), port.get("containerPort").asInt());
    }
    return ports;
  }

  /** The probes of a replica. */
  List<JsonNode> probes() {
    return Stream.of("startupProbe", "livenessProbe", "readinessProbe")
        .map(probe -> replica().get(probe))
        .toList();
  }

  /** The ports of Redis that replicas may reach. */
  Set<Integer> redisPorts() {
    Set<Integer> ports = new TreeSet<>();
    for (JsonNode policy : of(Kind.NetworkPolicy)) {
      if (policy.at("/metadata/name").asText().endsWith("-to-redis")) {
        policy.at("/spec/egress").findValues("port").forEach(port -> ports.add(port.asInt()));
      }
    }
    return ports;
  }

  /** A variable of a replica's environment. */
  JsonNode variable(String variable) {
    for (JsonNode one : replica().get("env")) {
      if (one.get("name").asText().equals(variable)) {
        return one;
      }
    }
    return fail(name + ": " + variable);
  }

  /** The ConfigMap with Relay's config. */
  JsonNode configMap() {
    return of(Kind.ConfigMap).stream()
        .filter(map -> map.get("data").has("relay.yaml"))
        .findAny()
        .orElseThrow();
  }

  /** The config, as a replica loads it with only the required secrets. */
  Config config() {
    Map<String, String> environment = new TreeMap<>();
    for (JsonNode variable : replica().get("env")) {
      JsonNode secret = variable.at("/valueFrom/secretKeyRef");
      if (!secret.path("optional").asBoolean()) {
        boolean url = secret.path("key").asText().endsWith("url");
        String given = url ? "rediss://redis.example:6379" : "given-" + variable.get("name");
        environment.put(variable.get("name").asText(), variable.path("value").asText(given));
      }
    }
    Loaded loaded =
        ConfigFile.parse(
            Path.of("relay.yaml"),
            configMap().at("/data/relay.yaml").asText(),
            environment,
            (file, _) -> mounted(file).getBytes(UTF_8));
    return switch (loaded) {
      case Loaded.Valid(Config config) -> config;
      case Loaded.Invalid(List<ConfigFault> faults) -> fail("unexpected faults: " + faults);
    };
  }

  /** What a volume with keys of Secrets has at a path. */
  private String mounted(Path file) {
    for (JsonNode mount : replica().get("volumeMounts")) {
      Path directory = Path.of(mount.get("mountPath").asText());
      for (JsonNode volume : only(Kind.Deployment).at("/spec/template/spec/volumes")) {
        if (file.startsWith(directory) && volume.get("name").equals(mount.get("name"))) {
          if (volume.at("/secret").has("secretName")) {
            return content(directory.relativize(file).toString());
          }
          for (JsonNode secret : volume.at("/projected/sources").findValues("secret")) {
            for (JsonNode item : secret.get("items")) {
              if (directory.resolve(item.get("path").asText()).equals(file)) {
                return content(item.get("key").asText());
              }
            }
          }
        }
      }
    }
    return fail("the config names " + file);
  }

  private static String content(String key) {
    if (key.endsWith(".yaml")) {
      return CLIENTS;
    }
    return key.endsWith("-ca") ? AUTHORITY : "given-" + key + "\n";
  }

  /** The specs by kind and name, without what only one of Helm and Kustomize writes. */
  Map<String, JsonNode> comparable() {
    Map<String, JsonNode> specs = new TreeMap<>();
    for (JsonNode object : objects) {
      if (object.has("spec") && !object.get("kind").asText().matches("ServiceMonitor|Prom.*")) {
        JsonNode spec = object.get("spec").deepCopy();
        strip(spec);
        String id = object.get("kind").asText() + " " + object.at("/metadata/name").asText();
        specs.put(id, spec);
      }
    }
    return specs;
  }

  private static void strip(JsonNode node) {
    if (node instanceof ObjectNode object) {
      object.remove(ONLY_HELM);
      if (object.get("env") instanceof ArrayNode env) {
        List<JsonNode> variables = new ArrayList<>();
        env.forEach(variables::add);
        variables.sort(Comparator.comparing(variable -> variable.get("name").asText()));
        object.set("env", env.removeAll().addAll(variables));
      }
    }
    node.forEach(Rendering::strip);
  }

  /** Kinds of objects, spelled as Kubernetes does. */
  enum Kind {
    ConfigMap,
    Deployment,
    HTTPRoute,
    HorizontalPodAutoscaler,
    Ingress,
    NetworkPolicy,
    PodDisruptionBudget,
    PrometheusRule,
    Service,
    ServiceAccount,
    ServiceMonitor,
    StatefulSet
  }

  @Override
  public String toString() {
    return name;
  }
}
