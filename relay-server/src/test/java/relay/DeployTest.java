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
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import relay.Rendering.Kind;
import relay.config.Config;
import relay.config.ConfigFault;
import relay.config.ConfigFile;
import relay.config.Loaded;
import relay.config.ServerConfig;

/** The files of deploy/ are consistent with each other and with the program. */
@Tag("slow")
@Timeout(60)
class DeployTest {
  private static final Path DEPLOY = Path.of("..", "deploy");
  private static final Path KUBERNETES = DEPLOY.resolve("kubernetes");
  private static final ObjectMapper JSON = new ObjectMapper();

  private final String dockerfile = read(DEPLOY.resolve("Dockerfile"));
  private final JsonNode compose = yaml(DEPLOY.resolve("compose.yaml"));

  @Test
  void every_secret_comes_from_the_environment() {
    replicas().getFirst().get("environment").properties().stream()
        .filter(entry -> entry.getKey().matches(".*(KEY|TOKEN).*"))
        .forEach(entry -> assertTrue(entry.getValue().asText().startsWith("${"), entry::toString));
  }

  @Test
  void ports_match_the_config() {
    assertEquals(3, replicas().size());
    assertEquals(List.of("8787 9091"), found(dockerfile, "(?m)^EXPOSE (.*)$"));
    for (JsonNode replica : replicas()) {
      ServerConfig server = server(environment(replica));
      assertEquals("0.0.0.0", server.listen().host());
      assertEquals(8787, server.listen().port());
      assertEquals(9091, server.adminListen().port());
      assertEquals(1, replica.get("ports").size(), "clients go through the balancer");
      String admin = replica.at("/ports/0").asText();
      assertTrue(admin.matches("127\\.0\\.0\\.1:909\\d:9091"), admin);
    }
    for (JsonNode service : compose.get("services")) {
      for (JsonNode port : service.path("ports")) {
        assertTrue(port.asText().startsWith("127.0.0.1:"), port::toString);
      }
    }
  }

  @Test
  void balancer_and_prometheus_know_every_replica() {
    String balancer = read(DEPLOY.resolve("haproxy/haproxy.cfg"));
    List<String> names =
        compose.get("services").properties().stream()
            .map(Map.Entry::getKey)
            .filter(service -> service.startsWith("relay-"))
            .toList();
    assertEquals(names, found(balancer, "(?m)^  server (\\S+) \\1:8787$"));
    assertTrue(balancer.contains("http-check send meth GET uri /readyz"));
    assertTrue(balancer.contains("check port 9091"));
    // Relay ends a silent stream, and tells the client why.
    long idle = server(environment(replicas().getFirst())).idleTimeout().toSeconds();
    for (String side : List.of("client", "server")) {
      String seconds = found(balancer, "(?m)^  timeout " + side + " (\\d+)s$").getFirst();
      assertTrue(Long.parseLong(seconds) > idle, seconds);
    }
    JsonNode scraped = yaml(DEPLOY.resolve("prometheus/prometheus.yml")).at("/scrape_configs/0");
    assertEquals("relay", scraped.get("job_name").asText(), "the alerts select this job");
    assertEquals(
        names.stream().map(name -> name + ":9091").toList(),
        JSON.convertValue(scraped.at("/static_configs/0/targets"), List.class));
  }

  @Test
  void every_mounted_file_exists() {
    List<String> mounted = new ArrayList<>();
    for (JsonNode service : compose.get("services")) {
      for (JsonNode volume : service.path("volumes")) {
        if (volume.asText().startsWith("./")) {
          mounted.add(volume.asText().replaceAll(":.*", ""));
        }
      }
    }
    assertTrue(mounted.size() > 5, mounted::toString);
    for (String file : mounted) {
      assertTrue(Files.exists(DEPLOY.resolve(file)), file);
    }
  }

  @Test
  void the_image_has_one_name_and_no_registry_is_named() {
    JsonNode image = yaml(KUBERNETES.resolve("kustomization.yaml")).at("/images/0");
    String tagged = image.get("name").asText() + ":" + image.get("newTag").asText();
    assertEquals(tagged, Rendering.of("kubernetes").replica().get("image").asText());
    assertEquals(tagged, Rendering.of("helm").replica().get("image").asText());
    List<String> images = new ArrayList<>(found(dockerfile, "(?m)^FROM (\\S+)"));
    for (JsonNode service : compose.get("services")) {
      images.add(service.get("image").asText());
    }
    assertTrue(images.contains(tagged), images::toString);
    assertTrue(
        images.stream().noneMatch(name -> name.matches("[^/]*[.:][^/]*/.*")), images::toString);
  }

  @Test
  void a_replica_has_no_privileges_and_a_read_only_file_system() {
    List<String> user = found(dockerfile, "(?m)^USER (\\d+:\\d+)$");
    assertEquals(1, user.size(), "the Dockerfile's USER is two numbers");
    JsonNode pod = Rendering.of("kubernetes").only(Kind.Deployment).at("/spec/template/spec");
    JsonNode security = pod.get("securityContext");
    assertEquals(
        user.getFirst(),
        security.get("runAsUser").asText() + ":" + security.get("runAsGroup").asText());
    String memory = Rendering.of("kubernetes").replica().at("/resources/limits/memory").asText();
    for (JsonNode replica : replicas()) {
      assertTrue(replica.get("read_only").asBoolean());
      assertEquals("/tmp", replica.at("/tmpfs/0").asText());
      assertEquals("ALL", replica.at("/cap_drop/0").asText());
      assertEquals(memory, replica.get("mem_limit").asText().replace("m", "Mi"));
      Duration drain = server(environment(replica)).drain();
      Duration period = Duration.parse("PT" + replica.get("stop_grace_period").asText());
      assertTrue(period.compareTo(drain.plusSeconds(5)) >= 0, period::toString);
    }
  }

  @Test
  void the_jvm_is_the_first_process_and_runs_as_the_launcher_starts_it() {
    String entry = found(dockerfile, "(?s)\nENTRYPOINT (\\[.*?\\])\n").getFirst();
    JsonNode words = json(entry.replace("\\\n", ""));
    assertEquals("java", words.get(0).asText());
    String launcher = read(Path.of("..", "deploy", "release", "java-options.sh"));
    String options = found(launcher, "(?s)java_options=\\(\n(.*?)\n\\)").getFirst();
    List<String> asLaunched = found(options, "(?m)^ +(-\\S+)$");
    assertFalse(asLaunched.isEmpty());
    List<String> inImage = new ArrayList<>();
    words.forEach(word -> inImage.add(word.asText()));
    assertTrue(inImage.containsAll(asLaunched), inImage::toString);
    String onLinux = found(launcher, "linux\\*\\) java_options\\+=\\((-\\S+) ").getFirst();
    assertTrue(inImage.contains(onLinux), inImage::toString);
  }

  /** They run beside a replica, in its memory. */
  @Test
  void commands_in_the_image_have_a_small_heap() {
    assertTrue(dockerfile.contains(" deploy/release/relay-in-image /usr/local/bin/relay\n"));
    String launcher = read(DEPLOY.resolve("release/relay-in-image"));
    assertTrue(launcher.contains("\nexec java -Xmx64m "), launcher);
    assertTrue(launcher.endsWith(" -jar /opt/relay/relay.jar \"$@\"\n"), launcher);
  }

  @Test
  void the_image_builds_its_aot_cache_with_the_options_that_it_starts_with() {
    String training = found(dockerfile, "(?s)\nRUN java (.*?) relay.trial.Training ").getFirst();
    String file = found(dockerfile, "relay.trial.Training (\\S+)").getFirst();
    String entry = found(dockerfile, "(?s)\nENTRYPOINT (\\[.*?\\])\n").getFirst();
    Set<String> serving = new TreeSet<>();
    json(entry.replace("\\\n", "")).forEach(word -> serving.add(word.asText()));
    assertTrue(serving.contains("-XX:AOTCache=" + file), serving::toString);
    assertTrue(
        serving.contains("-Xlog:aot=off,cds=off,pagesize=off"),
        "a cache that does not fit is no news");

    Set<String> binding = // collector, headers, compiler, libraries, access; not sizes
        Set.of(
            "-XX:+Use",
            "-XX:InlineSmall",
            "-XX:FreqInline",
            "-XX:MaxInline",
            "-XX:Compile",
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
    JsonNode mount = Rendering.of("kubernetes").replica().at("/volumeMounts/0");
    assertEquals(String.valueOf(config.getParent()), mount.get("mountPath").asText());
    for (JsonNode replica : replicas()) {
      assertEquals("./compose/relay.yaml:" + config + ":ro", replica.at("/volumes/0").asText());
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
    return switch (ConfigFile.load(DEPLOY.resolve("compose/relay.yaml"), environment)) {
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

  private static JsonNode yaml(Path file) {
    List<JsonNode> documents = Rendering.documents(file);
    assertEquals(1, documents.size(), file::toString);
    return documents.getFirst();
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
