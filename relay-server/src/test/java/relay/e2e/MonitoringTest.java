package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import relay.model.Dialect;

/** Alerts, dashboard, autoscaler and probes ask for what a running replica has. */
@Tag("slow")
@Timeout(60)
class MonitoringTest {
  private static final Path DEPLOY = Path.of("..", "deploy");
  private static final ObjectMapper JSON = new ObjectMapper();

  private static final Pattern GROUPING =
      Pattern.compile("\\b(?:by|without|on|ignoring|group_left|group_right)\\s*\\(([^)]*)\\)");
  private static final Pattern SELECTOR =
      Pattern.compile("(?<![\\w.$])([a-zA-Z_:][\\w:]*)(?:\\s*\\{([^}]*)\\}|(?!\\s*\\(|[\\w:]))");
  private static final Pattern MATCHER = Pattern.compile("(\\w+)\\s*[=!]");
  private static final Pattern SHOWN = Pattern.compile("\\{\\{\\s*(?:\\$labels\\.)?(\\w+)\\s*}}");
  private static final Set<String> OPERATORS = Set.of("and", "or", "unless", "bool", "offset");

  /** Prometheus adds these itself. */
  private static final Set<String> OF_PROMETHEUS = Set.of("job", "instance", "namespace", "pod");

  private static final Pattern METRIC = Pattern.compile("\\b(?:relay|jvm|process)_\\w+");
  private static final String ONE_INSTALLATION = "{namespace=~\"$namespace\",job=~\"$job\"";

  private static Replicas replicas;

  /** Labels by metric. */
  private static Map<String, Set<String>> exported;

  @BeforeAll
  static void start() throws Exception {
    replicas =
        new Setup()
            .client("team", "rpm_limit: 5")
            .provider("claude", Dialect.ANTHROPIC, Setup.nowhere(), Setup.key("a", "rpm_limit: 5"))
            .start(1);
    exported =
        new TreeMap<>(
            Map.of("up", Set.of(), "ALERTS", Set.of("alertname", "alertstate", "severity")));
    for (String line : replicas.admin(0, "/metrics").text().lines().toList()) {
      if (!line.startsWith("#")) {
        int end = line.contains("{") ? line.indexOf('{') : line.indexOf(' ');
        exported
            .computeIfAbsent(line.substring(0, end), name -> new TreeSet<>())
            .addAll(matches(Pattern.compile("(\\w+)=\""), line).map(m -> m.group(1)).toList());
      }
    }
  }

  @AfterAll
  static void stop() throws Exception {
    replicas.close();
  }

  @Test
  void every_alert_asks_for_metrics_and_labels_that_exist() throws IOException {
    List<JsonNode> alerts = alerts();
    assertTrue(alerts.size() >= 15, "guards against a wrong path");
    for (JsonNode alert : alerts) {
      check(
          alert.get("expr").asText(),
          alert.at("/annotations/summary").asText()
              + alert.at("/annotations/description").asText());
    }
  }

  @Test
  void every_panel_asks_for_metrics_and_labels_that_exist() throws IOException {
    JsonNode dashboard = JSON.readTree(DEPLOY.resolve("monitoring/dashboard.json").toFile());
    int queries = 0;
    for (JsonNode panel : dashboard.get("panels")) {
      for (JsonNode target : panel.path("targets")) {
        String query = target.get("expr").asText();
        check(query, target.get("legendFormat").asText());
        assertEquals(
            matches(METRIC, query).count(),
            matches(Pattern.compile(Pattern.quote(ONE_INSTALLATION)), query).count(),
            query);
        queries++;
      }
    }
    assertTrue(queries > 30, "guards against another form of the file");
    for (JsonNode annotation : dashboard.at("/annotations/list")) {
      check(annotation.get("expr").asText(), annotation.get("titleFormat").asText());
    }
    for (JsonNode variable : dashboard.at("/templating/list")) {
      String query = variable.path("definition").asText();
      matches(Pattern.compile("label_values\\((\\w+(?:\\{[^}]*})?), (\\w+)\\)"), query)
          .forEach(
              values -> check("max by (%s) (%s)".formatted(values.group(2), values.group(1)), ""));
    }
  }

  @Test
  void a_query_for_a_metric_or_label_that_does_not_exist_is_found() {
    assertEquals(List.of("relay_none"), unknown("sum(rate(relay_none{pool=\"a\"}[5m])) > 0", ""));
    assertEquals(List.of("relay_inflight{pol}"), unknown("relay_inflight{pol=~\"a\"} == 1", ""));
    assertEquals(List.of("kez"), unknown("sum by (kez) (relay_grants_total)", "{{kez}}"));
  }

  @Test
  void the_runbook_has_a_heading_for_each_alert_and_each_is_tested() throws IOException {
    Set<String> names =
        alerts().stream()
            .map(alert -> alert.get("alert").asText())
            .collect(Collectors.toCollection(TreeSet::new));
    String runbook = Files.readString(Path.of("..", "docs", "runbook.md"));
    assertEquals(
        List.copyOf(names),
        matches(Pattern.compile("(?m)^### (\\w+)$"), runbook)
            .map(m -> m.group(1))
            .sorted()
            .toList());
    String tests = Files.readString(DEPLOY.resolve("monitoring/alerts_test.yaml"));
    for (String name : names) {
      assertTrue(tests.contains("{alertname=\"" + name + "\"}"), name);
    }
  }

  @Test
  void every_alert_says_what_it_means_and_leads_to_its_heading() throws IOException {
    for (JsonNode alert : alerts()) {
      String name = alert.get("alert").asText();
      String severity = alert.at("/labels/severity").asText();
      assertTrue(Set.of("critical", "warning", "info").contains(severity), name);
      assertTrue(alert.at("/annotations/summary").isTextual(), name);
      assertTrue(alert.at("/annotations/description").asText().endsWith("."), name);
      assertEquals(
          "docs/runbook.md#" + name.toLowerCase(Locale.ROOT),
          alert.at("/annotations/runbook_url").asText(),
          "GitHub's anchor of the heading");
    }
  }

  @Test
  void the_autoscaler_asks_for_a_metric_that_exists_and_probes_for_paths() throws IOException {
    Set<String> paths = new TreeSet<>();
    Set<String> metrics = new TreeSet<>();
    for (JsonNode object : yaml(DEPLOY.resolve("rendered/helm-everything.yaml"))) {
      object.findValues("httpGet").forEach(probe -> paths.add(probe.get("path").asText()));
      object.at("/spec/endpoints").forEach(scrape -> paths.add(scrape.get("path").asText()));
      object.findValues("metric").forEach(metric -> metrics.add(metric.get("name").asText()));
    }
    assertEquals(Set.of("/healthz", "/metrics", "/readyz"), paths);
    for (String path : paths) {
      assertEquals(200, replicas.admin(0, path).status(), path);
    }
    assertEquals(Set.of("relay_inflight"), metrics);
    assertTrue(exported.keySet().containsAll(metrics));
  }

  private static void check(String query, String shown) {
    assertEquals(List.of(), unknown(query, shown), query);
  }

  /** The names in a query, and in the text that shows its result, which a replica does not have. */
  private static List<String> unknown(String query, String shown) {
    List<String> unknown = new ArrayList<>();
    Set<String> labels = new TreeSet<>(OF_PROMETHEUS);
    String plain =
        GROUPING
            .matcher(query.replaceAll("\"[^\"]*\"", "\"\"").replaceAll("\\[[^]]*]", ""))
            .replaceAll(" ");
    for (MatchResult selector : matches(SELECTOR, plain).toList()) {
      String metric = selector.group(1);
      if (OPERATORS.contains(metric)) {
        continue;
      }
      Set<String> its = exported.get(metric);
      if (its == null) {
        unknown.add(metric);
        continue;
      }
      labels.addAll(its);
      String matchers = selector.group(2) == null ? "" : selector.group(2);
      matches(MATCHER, matchers)
          .map(matcher -> matcher.group(1))
          .filter(label -> !its.contains(label) && !OF_PROMETHEUS.contains(label))
          .forEach(label -> unknown.add(metric + "{" + label + "}"));
    }
    Stream<String> grouped =
        matches(GROUPING, query).flatMap(by -> Stream.of(by.group(1).split("[,\\s]+", -1)));
    Stream.concat(grouped, matches(SHOWN, shown).map(label -> label.group(1)))
        .filter(label -> !label.isEmpty() && !labels.contains(label))
        .distinct()
        .forEach(unknown::add);
    return unknown;
  }

  private static List<JsonNode> alerts() throws IOException {
    List<JsonNode> alerts = new ArrayList<>();
    yaml(DEPLOY.resolve("monitoring/alerts.yaml"))
        .getFirst()
        .at("/groups/0/rules")
        .forEach(alerts::add);
    return alerts;
  }

  private static List<JsonNode> yaml(Path file) throws IOException {
    List<JsonNode> documents = new ArrayList<>();
    Iterable<Object> all =
        new Yaml(new SafeConstructor(new LoaderOptions())).loadAll(Files.readString(file));
    all.forEach(document -> documents.add(JSON.valueToTree(document)));
    return documents;
  }

  private static Stream<MatchResult> matches(Pattern pattern, String text) {
    return pattern.matcher(text).results();
  }
}
