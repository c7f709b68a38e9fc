package relay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import relay.config.Config;
import relay.config.ConfigFault;
import relay.config.ConfigFile;
import relay.config.Loaded;
import relay.config.ServerConfig;

/** The files of deploy/ are consistent with each other and with the program. */
@Timeout(60)
class DeployTest {
  private static final Path DEPLOY = Path.of("..", "deploy");
  private static final Path KUBERNETES = DEPLOY.resolve("kubernetes");
  private static final ObjectMapper JSON = new ObjectMapper();

  private final String dockerfile = read(DEPLOY.resolve("Dockerfile"));
  private final JsonNode compose = yaml(DEPLOY.resolve("compose.yaml"));
  private final JsonNode deployment = yaml(KUBERNETES.resolve("deployment.yaml"));
  private final JsonNode pod = deployment.at("/spec/template/spec");
  private final JsonNode container = pod.at("/containers/0");

  @Test
  void every_manifest_is_one_well_formed_document() throws IOException {
    List<Path> files;
    try (Stream<Path> tree = Files.walk(DEPLOY)) {
      files =
          tree.filter(file -> file.toString().endsWith(".yaml"))
              .filter(file -> !file.toString().matches(".*/(target|node_modules)/.*"))
              .toList();
    }
    assertTrue(files.size() >= 7, files::toString); // guards against a wrong directory
    for (Path file : files) {
      assertTrue(yaml(file).isObject(), file::toString);
    }
  }

  @Test
  void the_manifests_provide_all_variables_of_the_config() {
    ServerConfig inKubernetes = server(podEnvironment());
    assertEquals("0.0.0.0", inKubernetes.listen().host());
    assertEquals("0.0.0.0", inKubernetes.adminListen().host());
    for (JsonNode replica : replicas()) {
      assertEquals(inKubernetes.listen(), server(environment(replica)).listen());
    }
  }

  @Test
  void every_secret_comes_from_the_environment() {
    for (JsonNode variable : container.get("env")) {
      assertTrue(variable.at("/valueFrom/secretKeyRef").isObject(), variable::toString);
    }
    replicas().getFirst().get("environment").properties().stream()
        .filter(entry -> entry.getKey().matches(".*(KEY|TOKEN).*"))
        .forEach(entry -> assertTrue(entry.getValue().asText().startsWith("${"), entry::toString));
  }

  @Test
  void ports_match_the_config() {
    ServerConfig server = server(podEnvironment());
    Map<String, Integer> ports = new HashMap<>();
    container
        .get("ports")
        .forEach(port -> ports.put(port.get("name").asText(), port.get("containerPort").asInt()));
    assertEquals(
        Map.of("http", server.listen().port(), "admin", server.adminListen().port()), ports);

    // The Service exposes only the data plane.
    JsonNode service = yaml(KUBERNETES.resolve("service.yaml"));
    assertEquals(1, service.at("/spec/ports").size());
    assertEquals("http", service.at("/spec/ports/0/targetPort").asText());
    assertEquals(server.listen().port(), service.at("/spec/ports/0/port").asInt());

    assertEquals(List.of("8787 9091"), found(dockerfile, "(?m)^EXPOSE (.*)$"));
    for (JsonNode replica : replicas()) {
      Set<String> targets = new TreeSet<>();
      for (JsonNode port : replica.get("ports")) {
        assertTrue(port.asText().startsWith("127.0.0.1:"), port::toString);
        targets.add(port.asText().replaceAll(".*:", ""));
      }
      assertEquals(Set.of("8787", "9091"), targets);
    }
    assertEquals(9091, server.adminListen().port());
    assertEquals(8787, server.listen().port());
  }

  @Test
  void probes_use_the_admin_port() {
    Map<String, String> paths =
        Map.of(
            "startupProbe", "/healthz", "livenessProbe", "/healthz", "readinessProbe", "/readyz");
    paths.forEach(
        (probe, path) -> {
          assertEquals(path, container.at("/" + probe + "/httpGet/path").asText());
          assertEquals("admin", container.at("/" + probe + "/httpGet/port").asText());
        });
  }

  @Test
  void the_grace_period_covers_the_drain_time() {
    Duration drain = server(podEnvironment()).drain();
    Duration before = Duration.ofSeconds(container.at("/lifecycle/preStop/sleep/seconds").asLong());
    Duration grace = Duration.ofSeconds(pod.get("terminationGracePeriodSeconds").asLong());
    assertTrue(before.toSeconds() > 0);
    assertTrue(grace.compareTo(before.plus(drain).plusSeconds(5)) >= 0, grace::toString);
    for (JsonNode replica : replicas()) {
      Duration period = Duration.parse("PT" + replica.get("stop_grace_period").asText());
      assertTrue(period.compareTo(drain.plusSeconds(5)) >= 0, period::toString);
    }
  }

  @Test
  void there_are_three_replicas_of_one_image_and_no_registry_is_named() {
    assertEquals(3, deployment.at("/spec/replicas").asInt());
    assertEquals(3, replicas().size());
    JsonNode image = yaml(KUBERNETES.resolve("kustomization.yaml")).at("/images/0");
    assertEquals(image.get("name"), container.get("image"));
    String tagged = image.get("name").asText() + ":" + image.get("newTag").asText();
    List<String> images = new ArrayList<>(found(dockerfile, "(?m)^FROM (\\S+)"));
    for (JsonNode service : compose.get("services")) {
      images.add(service.get("image").asText());
    }
    assertTrue(images.contains(tagged), images::toString);
    assertTrue(images.stream().noneMatch(name -> name.contains("/")), images::toString);
  }

  @Test
  void a_replica_has_no_privileges_and_a_read_only_file_system() {
    List<String> user = found(dockerfile, "(?m)^USER (\\d+:\\d+)$");
    assertEquals(1, user.size(), "the Dockerfile's USER is two numbers");
    JsonNode security = pod.get("securityContext");
    assertTrue(security.get("runAsNonRoot").asBoolean());
    assertEquals(
        user.getFirst(),
        security.get("runAsUser").asText() + ":" + security.get("runAsGroup").asText());
    assertNotEquals(0, security.get("runAsUser").asInt());
    JsonNode own = container.get("securityContext");
    assertTrue(own.get("readOnlyRootFilesystem").asBoolean());
    assertFalse(own.get("allowPrivilegeEscalation").asBoolean(true));
    assertEquals("ALL", own.at("/capabilities/drop/0").asText());
    assertFalse(pod.get("automountServiceAccountToken").asBoolean(true));
    for (JsonNode replica : replicas()) {
      assertTrue(replica.get("read_only").asBoolean());
      assertEquals("/tmp", replica.at("/tmpfs/0").asText());
      assertEquals("ALL", replica.at("/cap_drop/0").asText());
    }
  }

  @Test
  void the_jvm_is_the_first_process_and_runs_as_the_launcher_starts_it() {
    String entry = found(dockerfile, "(?s)\nENTRYPOINT (\\[.*?\\])\n").getFirst();
    JsonNode words = json(entry.replace("\\\n", ""));
    assertEquals("java", words.get(0).asText());
    String launcher = read(Path.of("..", "relay"));
    String options = found(launcher, "(?s)java_options=\\(\n(.*?)\n\\)").getFirst();
    List<String> asLaunched = found(options, "(?m)^ +(-\\S+)$");
    assertFalse(asLaunched.isEmpty());
    List<String> inImage = new ArrayList<>();
    words.forEach(word -> inImage.add(word.asText()));
    assertTrue(inImage.containsAll(asLaunched), inImage::toString);
  }

  @Test
  void the_image_builds_its_aot_cache_with_the_options_that_it_starts_with() {
    String training = found(dockerfile, "(?s)\nRUN java (.*?) relay.trial.Training ").getFirst();
    String file = found(dockerfile, "relay.trial.Training (\\S+)").getFirst();
    String entry = found(dockerfile, "(?s)\nENTRYPOINT (\\[.*?\\])\n").getFirst();
    Set<String> serving = new TreeSet<>();
    json(entry.replace("\\\n", "")).forEach(word -> serving.add(word.asText()));
    assertTrue(serving.contains("-XX:AOTCache=" + file), serving::toString);
    assertTrue(serving.contains("-Xlog:aot=off,cds=off"), "a cache that does not fit is no news");

    Set<String> binding = // collector, headers, compiler, libraries, access; not sizes
        Set.of(
            "-XX:+Use",
            "-XX:InlineSmall",
            "-XX:FreqInline",
            "-XX:MaxInline",
            "-XX:CompileThreshold",
            "-XX:Tier4",
            "-D",
            "--");
    Set<String> expected = new TreeSet<>(serving);
    expected.removeIf(word -> binding.stream().noneMatch(word::startsWith));
    Set<String> trained = new TreeSet<>(found(training, "(-\\S+)"));
    trained.remove("-cp");
    assertEquals(expected, trained);
  }

  @Test
  void the_config_is_mounted_where_the_image_reads_it() {
    JsonNode command = json(found(dockerfile, "(?m)^CMD (\\[.*\\])$").getFirst());
    assertEquals("serve", command.get(0).asText());
    Path config = Path.of(command.get(2).asText());
    JsonNode mount = container.at("/volumeMounts/0");
    assertEquals(String.valueOf(config.getParent()), mount.get("mountPath").asText());
    JsonNode generator = yaml(KUBERNETES.resolve("kustomization.yaml")).at("/configMapGenerator/0");
    assertEquals(String.valueOf(config.getFileName()), generator.at("/files/0").asText());
    assertEquals(generator.get("name"), pod.at("/volumes/0/configMap/name"));
    assertEquals(mount.get("name"), pod.at("/volumes/0/name"));
    for (JsonNode replica : replicas()) {
      assertEquals("./kubernetes/relay.yaml:" + config + ":ro", replica.at("/volumes/0").asText());
    }
  }

  @Test
  void the_kustomization_names_every_file_and_all_select_the_same_pods() throws IOException {
    Set<String> named = new TreeSet<>(Set.of("kustomization.yaml", "relay.yaml"));
    for (JsonNode file : yaml(KUBERNETES.resolve("kustomization.yaml")).get("resources")) {
      named.add(file.asText());
    }
    Set<String> there = new TreeSet<>();
    try (Stream<Path> files = Files.list(KUBERNETES)) {
      files.forEach(file -> there.add(String.valueOf(file.getFileName())));
    }
    assertEquals(there, named);

    JsonNode labels = deployment.at("/spec/template/metadata/labels");
    assertFalse(labels.isEmpty());
    assertEquals(labels, deployment.at("/spec/selector/matchLabels"));
    assertEquals(labels, yaml(KUBERNETES.resolve("service.yaml")).at("/spec/selector"));
    JsonNode budget = yaml(KUBERNETES.resolve("poddisruptionbudget.yaml"));
    assertEquals(labels, budget.at("/spec/selector/matchLabels"));
    for (JsonNode spread : pod.get("topologySpreadConstraints")) {
      assertEquals(labels, spread.at("/labelSelector/matchLabels"));
    }
  }

  @Test
  void the_health_check_tells_a_live_replica_from_a_dead_one() throws Exception {
    JsonNode check = json(found(dockerfile, "(?m)^  CMD (\\[\"bash\".*\\])$").getFirst());
    HttpServer admin =
        HttpServer.create(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0), 0);
    int port = admin.getAddress().getPort();
    admin.createContext(
        "/",
        exchange -> {
          boolean known = exchange.getRequestURI().getPath().equals("/healthz");
          exchange.sendResponseHeaders(known ? 200 : 404, -1);
          exchange.close();
        });
    admin.start();
    try {
      assertEquals(0, exitOf(check, "", port));
      assertNotEquals(0, exitOf(check, "/unknown", port));
    } finally {
      admin.stop(0);
    }
    assertNotEquals(0, exitOf(check, "", port));
  }

  private static int exitOf(JsonNode check, String more, int port) throws Exception {
    List<String> command = new ArrayList<>();
    for (JsonNode word : check) {
      command.add(
          word.asText()
              .replace("127.0.0.1/9091", "127.0.0.1/" + port)
              .replace("/healthz", "/healthz" + more));
    }
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    assertTrue(process.waitFor(10, TimeUnit.SECONDS), "the health check hangs");
    return process.exitValue();
  }

  private List<JsonNode> replicas() {
    return compose.get("services").properties().stream()
        .filter(service -> service.getKey().startsWith("relay-"))
        .map(Map.Entry::getValue)
        .toList();
  }

  /** The environment in Kubernetes without optional settings. */
  private Map<String, String> podEnvironment() {
    Map<String, String> environment = new HashMap<>();
    for (JsonNode variable : container.get("env")) {
      if (!variable.at("/valueFrom/secretKeyRef/optional").asBoolean()) {
        String name = variable.get("name").asText();
        environment.put(name, name.equals("REDIS_URL") ? "rediss://redis:6379" : "given-" + name);
      }
    }
    return environment;
  }

  /** The environment in compose with only the required settings. */
  private static Map<String, String> environment(JsonNode replica) {
    Map<String, String> environment = new HashMap<>();
    for (Map.Entry<String, JsonNode> variable : replica.get("environment").properties()) {
      String value =
          variable
              .getValue()
              .asText()
              .replaceAll("\\$\\{\\w+:\\?[^}]*}", "given-" + variable.getKey())
              .replaceAll("\\$\\{\\w+:-([^}]*)}", "$1");
      environment.put(variable.getKey(), value);
    }
    return environment;
  }

  private static ServerConfig server(Map<String, String> environment) {
    return switch (ConfigFile.load(KUBERNETES.resolve("relay.yaml"), environment)) {
      case Loaded.Valid(Config config) -> {
        assertNotNull(config.redis().url(), "replicas need a Redis that they share");
        yield config.server();
      }
      case Loaded.Invalid(List<ConfigFault> faults) -> fail("unexpected faults: " + faults);
    };
  }

  private static List<String> found(String text, String pattern) {
    return Pattern.compile(pattern).matcher(text).results().map(match -> match.group(1)).toList();
  }

  private static JsonNode json(String text) {
    try {
      return JSON.readTree(text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A file of one document without duplicate keys; merges and aliases are resolved. */
  private static JsonNode yaml(Path file) {
    LoaderOptions options = new LoaderOptions();
    options.setAllowDuplicateKeys(false);
    return JSON.valueToTree(new Yaml(new SafeConstructor(options)).load(read(file)));
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
