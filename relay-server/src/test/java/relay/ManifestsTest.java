package relay;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.kubernetes.api.model.Quantity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import relay.Rendering.Kind;
import relay.config.Config;
import relay.config.RedisConfig;
import relay.config.RedisUrl;
import relay.memory.MemoryBudget;
import relay.operate.ConfigWarnings;

/**
 * What {@code deploy/render.sh} made of the kustomizations and of the chart: objects that fit each
 * other and the program. {@link KubernetesObjectsTest} reads each by itself.
 */
@Tag("slow")
class ManifestsTest {
  private static final Path DEPLOY = Rendering.DEPLOY;
  private static final List<String> SOURCES =
      List.of("kubernetes", "overlays", "monitoring", "helm");

  /** JVM, code, libraries, threads, and buffers of sockets; measured: docs/performance.md. */
  private static final long OUTSIDE_THE_HEAP = 256L << 20;

  /** One of the two survivor spaces of the serial collector is always empty. */
  private static final double USABLE_HEAP = 0.95;

  static List<Rendering> renderings() {
    return Rendering.all();
  }

  /** Lines as of {@code sha256sum}. */
  @Test
  void the_renderings_are_of_the_present_sources() throws Exception {
    Map<String, String> rendered = new TreeMap<>();
    for (String line : Files.readAllLines(DEPLOY.resolve("rendered/sources.sha256"))) {
      rendered.put(line.substring(66), line.substring(0, 64));
    }
    Map<String, String> present = new TreeMap<>();
    for (String source : SOURCES) {
      try (Stream<Path> files = Files.walk(DEPLOY.resolve(source))) {
        for (Path file : files.filter(Files::isRegularFile).toList()) {
          byte[] hash = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
          present.put(DEPLOY.relativize(file).toString(), HexFormat.of().formatHex(hash));
        }
      }
    }
    assertEquals(present, rendered, "run deploy/render.sh");
  }

  @ParameterizedTest
  @MethodSource("renderings")
  void selectors_select_pods(Rendering rendering) {
    JsonNode replica = rendering.only(Kind.Deployment).at("/spec/template");
    for (Kind workload : List.of(Kind.Deployment, Kind.StatefulSet)) {
      for (JsonNode object : rendering.of(workload)) {
        assertEquals(
            List.of(object.at("/spec/template")),
            rendering.pods(object.at("/spec/selector/matchLabels")));
      }
    }
    for (JsonNode service : rendering.of(Kind.Service)) {
      assertEquals(1, rendering.pods(service.at("/spec/selector")).size(), service::toString);
    }
    for (JsonNode policy : rendering.of(Kind.NetworkPolicy)) {
      assertEquals(1, rendering.pods(policy.at("/spec/podSelector/matchLabels")).size());
      for (JsonNode peer : policy.findValues("podSelector")) {
        assertEquals(1, rendering.pods(peer.at("/matchLabels")).size(), peer::toString);
      }
    }
    JsonNode budget = rendering.only(Kind.PodDisruptionBudget);
    assertEquals(List.of(replica), rendering.pods(budget.at("/spec/selector/matchLabels")));
    JsonNode spread = replica.at("/spec/topologySpreadConstraints");
    assertEquals(2, spread.size());
    for (JsonNode constraint : spread) {
      assertEquals(List.of(replica), rendering.pods(constraint.at("/labelSelector/matchLabels")));
    }
    JsonNode target = rendering.only(Kind.HorizontalPodAutoscaler).at("/spec/scaleTargetRef");
    JsonNode deployment = rendering.only(Kind.Deployment);
    assertEquals(deployment.at("/metadata/name"), target.get("name"));
    assertFalse(deployment.get("spec").has("replicas"), "the autoscaler sets it");
  }

  @ParameterizedTest
  @MethodSource("renderings")
  void ports_have_the_names_that_others_use(Rendering rendering) {
    for (JsonNode service : rendering.of(Kind.Service)) {
      JsonNode pod = rendering.pods(service.at("/spec/selector")).getFirst();
      for (JsonNode port : service.at("/spec/ports")) {
        assertEquals(
            Rendering.ports(pod).get(port.get("targetPort").asText()), port.get("port").asInt());
      }
    }
    for (JsonNode policy : rendering.of(Kind.NetworkPolicy)) {
      JsonNode pod = rendering.pods(policy.at("/spec/podSelector/matchLabels")).getFirst();
      for (JsonNode rule : policy.at("/spec/ingress")) {
        for (JsonNode port : rule.get("ports")) {
          assertTrue(Rendering.ports(pod).containsKey(port.get("port").asText()), port::toString);
        }
      }
    }
    JsonNode replica = rendering.only(Kind.Deployment).at("/spec/template");
    for (JsonNode probe : rendering.probes()) {
      assertEquals("admin", probe.at("/httpGet/port").asText());
    }
    Config config = rendering.config();
    assertEquals(
        Map.of(
            "http", config.server().listen().port(), "admin", config.server().adminListen().port()),
        Rendering.ports(replica));
    for (JsonNode monitor : rendering.of(Kind.ServiceMonitor)) {
      List<JsonNode> scraped =
          rendering.of(Kind.Service).stream()
              .filter(
                  service ->
                      Rendering.selects(
                          monitor.at("/spec/selector/matchLabels"), service.at("/metadata/labels")))
              .toList();
      assertEquals(1, scraped.size());
      JsonNode endpoint = monitor.at("/spec/endpoints/0");
      assertEquals(scraped.getFirst().at("/spec/ports/0/name"), endpoint.get("port"));
      JsonNode labels = scraped.getFirst().at("/metadata/labels");
      assertEquals(
          "relay",
          labels.get(monitor.at("/spec/jobLabel").asText()).asText(),
          "the alerts select this job");
    }
  }

  @ParameterizedTest
  @MethodSource("renderings")
  void the_config_is_valid_in_the_environment_of_the_pod(Rendering rendering) {
    Config config = rendering.config();
    assertEquals("0.0.0.0", config.server().listen().host());
    assertEquals("0.0.0.0", config.server().adminListen().host());
    assertNotNull(config.redis().url(), "replicas need a Redis that they share");
    JsonNode pod = rendering.only(Kind.Deployment).at("/spec/template/spec");
    assertEquals("/etc/relay", rendering.replica().at("/volumeMounts/0/mountPath").asText());
    for (JsonNode mount : rendering.replica().get("volumeMounts")) {
      assertFalse(mount.has("subPath"), "it would never change");
    }
    assertEquals(rendering.configMap().at("/metadata/name"), pod.at("/volumes/0/configMap/name"));
    for (JsonNode variable : rendering.replica().get("env")) {
      boolean secret = variable.get("name").asText().matches(".*(KEY|TOKEN).*");
      assertEquals(secret || variable.has("valueFrom"), variable.has("valueFrom"));
    }
  }

  /** A variable would need a rollout to change. A change of Redis's URL needs one anyhow. */
  @Test
  void secrets_that_must_exist_are_files() {
    for (Rendering rendering : renderings()) {
      if (!rendering.name().equals("helm-everything")) { // it shows a variable
        for (JsonNode variable : rendering.replica().get("env")) {
          JsonNode secret = variable.at("/valueFrom/secretKeyRef");
          assertTrue(
              secret.isMissingNode()
                  || secret.path("optional").asBoolean()
                  || secret.get("key").asText().equals("redis-url"),
              () -> rendering + ": " + variable);
        }
      }
    }
  }

  /** Where clients come in from outside: by name, to the port of the Service. */
  @Test
  void an_ingress_and_a_route_lead_to_the_service() {
    Rendering rendering = Rendering.of("helm-everything");
    JsonNode service =
        rendering.of(Kind.Service).stream()
            .filter(one -> one.at("/spec/ports/0/name").asText().equals("http"))
            .findAny()
            .orElseThrow();
    JsonNode backend =
        rendering.only(Kind.Ingress).at("/spec/rules/0/http/paths/0/backend/service");
    assertEquals(service.at("/metadata/name"), backend.get("name"));
    assertEquals(service.at("/spec/ports/0/name"), backend.at("/port/name"));
    JsonNode route = rendering.only(Kind.HTTPRoute).at("/spec/rules/0");
    assertEquals(service.at("/metadata/name"), route.at("/backendRefs/0/name"));
    assertEquals(service.at("/spec/ports/0/port"), route.at("/backendRefs/0/port"));
    long silence = rendering.config().server().idleTimeout().toSeconds();
    JsonNode annotations = rendering.only(Kind.Ingress).at("/metadata/annotations");
    JsonNode longest = annotations.get("nginx.ingress.kubernetes.io/proxy-read-timeout");
    assertTrue(longest.asLong() > silence, longest::toString);
    assertEquals("0s", route.at("/timeouts/request").asText());
  }

  @ParameterizedTest
  @MethodSource("renderings")
  void redis_is_in_reach_and_evicts_nothing(Rendering rendering) {
    JsonNode url = rendering.variable("REDIS_URL");
    RedisConfig redis = rendering.config().redis();
    RedisUrl servers = Objects.requireNonNull(redis.url());
    List<Integer> ports = servers.servers().stream().map(RedisUrl.Server::port).toList();
    Set<Integer> open = rendering.redisPorts();
    assertTrue(open.containsAll(ports), () -> ports + " of " + open);
    assertTrue(open.contains(6379), "sentinels name a master");
    List<JsonNode> bundled = rendering.of(Kind.StatefulSet);
    if (bundled.isEmpty()) {
      assertTrue(
          url.at("/valueFrom/secretKeyRef/key").asText().endsWith("redis-url")
              || (servers.password() == null && redis.passwordFile() != null),
          "a password comes from a Secret");
      return;
    }
    JsonNode service =
        rendering.of(Kind.Service).stream()
            .filter(
                s ->
                    url.get("value")
                        .asText()
                        .equals("redis://" + s.at("/metadata/name").asText() + ":6379"))
            .findAny()
            .orElseThrow();
    assertEquals(bundled.getFirst().at("/spec/serviceName"), service.at("/metadata/name"));
    String args = bundled.getFirst().at("/spec/template/spec/containers/0/args").toString();
    assertTrue(args.contains("\"--maxmemory-policy\",\"noeviction\""), args);
  }

  @ParameterizedTest
  @CsvSource({"sentinel, main, 26379, false", "cluster, , 6379, true"})
  void overlays_have_sentinels_and_a_cluster_with_a_password_in_a_file(
      String name, @Nullable String master, int port, boolean cluster) {
    RedisConfig redis = Rendering.of(name).config().redis();
    RedisUrl url = Objects.requireNonNull(redis.url());
    assertEquals(master, url.master());
    assertEquals(
        List.of(port, port, port), url.servers().stream().map(RedisUrl.Server::port).toList());
    assertEquals(cluster, redis.cluster());
    assertEquals(cluster, url.tls());
    assertEquals(cluster ? 1 : 0, redis.tls() == null ? 0 : redis.tls().authorities().size());
    assertEquals("relay", redis.username());
    assertEquals(Path.of("/run/secrets/redis/password"), redis.passwordFile());
  }

  @ParameterizedTest
  @MethodSource("renderings")
  void heap_memory_budget_and_body_fit_the_memory_of_the_pod(Rendering rendering) {
    JsonNode resources = rendering.replica().get("resources");
    assertEquals(resources.at("/requests/memory"), resources.at("/limits/memory"));
    long memory = bytes(resources.at("/limits/memory"));
    long heap = memory * heapPercentage() / 100;
    assertTrue(memory - heap >= OUTSIDE_THE_HEAP, () -> "outside the heap: " + (memory - heap));
    MemoryBudget budget = MemoryBudget.of((long) (heap * USABLE_HEAP), memory);
    assertEquals(List.of(), ConfigWarnings.of(rendering.config(), budget), "as at the start");
    assertTrue(resources.get("requests").has("cpu"), "the autoscaler needs it");
    assertFalse(resources.get("limits").has("cpu"), "throttling would delay every stream");
    for (JsonNode redis : rendering.of(Kind.StatefulSet)) {
      JsonNode container = redis.at("/spec/template/spec/containers/0");
      String args = container.get("args").toString();
      long most = Long.parseLong(args.replaceAll(".*\"--maxmemory\",\"(\\d+)mb\".*", "$1")) << 20;
      assertTrue(bytes(container.at("/resources/limits/memory")) >= 2 * most, args);
    }
  }

  private static int heapPercentage() {
    try {
      String dockerfile = Files.readString(DEPLOY.resolve("Dockerfile"), UTF_8);
      return Integer.parseInt(dockerfile.replaceAll("(?s).*-XX:MaxRAMPercentage=(\\d+).*", "$1"));
    } catch (IOException e) {
      return fail(e);
    }
  }

  @ParameterizedTest
  @MethodSource("renderings")
  void the_grace_period_covers_the_drain(Rendering rendering) {
    Duration drain = rendering.config().server().drain();
    long before = rendering.replica().at("/lifecycle/preStop/sleep/seconds").asLong();
    long grace =
        rendering
            .only(Kind.Deployment)
            .at("/spec/template/spec/terminationGracePeriodSeconds")
            .asLong();
    assertTrue(before > 0);
    assertTrue(grace >= before + drain.toSeconds() + 5, () -> "grace: " + grace);
  }

  @ParameterizedTest
  @MethodSource("renderings")
  void pods_have_no_privileges(Rendering rendering) {
    for (Kind workload : List.of(Kind.Deployment, Kind.StatefulSet)) {
      for (JsonNode object : rendering.of(workload)) {
        JsonNode pod = object.at("/spec/template/spec");
        assertTrue(pod.at("/securityContext/runAsNonRoot").asBoolean());
        assertTrue(pod.at("/securityContext/runAsUser").asInt() > 0);
        assertEquals("RuntimeDefault", pod.at("/securityContext/seccompProfile/type").asText());
        assertFalse(pod.get("automountServiceAccountToken").asBoolean(true));
        JsonNode own = pod.at("/containers/0/securityContext");
        assertTrue(own.get("readOnlyRootFilesystem").asBoolean());
        assertFalse(own.get("allowPrivilegeEscalation").asBoolean(true));
        assertEquals("ALL", own.at("/capabilities/drop/0").asText());
      }
    }
  }

  /** The chart and the kustomizations say the same of a replica. */
  @ParameterizedTest
  @CsvSource({
    "helm, kubernetes",
    "helm-existing-redis, existing-redis",
    "helm-sentinel, sentinel",
    "helm-cluster, cluster"
  })
  void the_chart_has_the_objects_of_the_kustomization(String chart, String kustomization) {
    Rendering helm = Rendering.of(chart);
    Rendering plain = Rendering.of(kustomization);
    assertEquals(plain.comparable(), helm.comparable());
    assertEquals(
        plain.config().server().drain(), helm.config().server().drain(), "the config is the same");
    assertEquals(plain.config().providers().toString(), helm.config().providers().toString());
    assertEquals(plain.config().redis(), helm.config().redis());
  }

  @Test
  void the_chart_has_the_alerts_of_the_kustomization() {
    assertEquals(
        Rendering.of("monitoring").only(Kind.PrometheusRule).get("spec"),
        Rendering.of("helm-everything").only(Kind.PrometheusRule).get("spec"));
    assertEquals(List.of(), Rendering.of("kubernetes").of(Kind.PrometheusRule), "of an operator");
  }

  private static long bytes(JsonNode quantity) {
    return Quantity.getAmountInBytes(new Quantity(quantity.asText())).longValueExact();
  }
}
