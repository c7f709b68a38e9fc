package relay.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.Documents;
import relay.pool.Configs;

/** Which series exist, from the start on, and what they are called. */
@Tag("slow")
@Timeout(60)
class MeterNamesTest {
  @AutoClose private final Meters meters = new Meters(MeteredClients.CONFIG);

  private List<String> series(String name) {
    return MeteredClients.series(meters, name);
  }

  @Test
  void the_operators_page_names_every_metric() {
    String page = Documents.read(Documents.ROOT.resolve("docs/operating.md"));
    List<String> unnamed =
        meters
            .scrape()
            .lines()
            .filter(line -> line.startsWith("# TYPE relay_"))
            .map(line -> line.split(" ", 4)[2])
            .filter(name -> !name.endsWith("_max"))
            .filter(name -> !page.contains("| `" + name + "` |"))
            .toList();
    assertEquals(List.of(), unnamed, "docs/operating.md lacks metrics");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "relay_requests_total",
        "relay_request_duration_seconds_bucket",
        "relay_overhead_seconds_bucket",
        "relay_time_to_first_byte_seconds_bucket",
        "relay_acquire_duration_seconds_bucket",
        "relay_grants_total",
        "relay_denials_total",
        "relay_upstream_responses_total",
        "relay_upstream_unanswered_total",
        "relay_attempts_total",
        "relay_tokens_total",
        "relay_cache_read_ratio",
        "relay_accounts_counted_apart",
        "relay_reserved_tokens",
        "relay_estimate_error_ratio_bucket",
        "relay_key_used_ratio",
        "relay_key_status",
        "relay_key_quarantines_total",
        "relay_inflight",
        "relay_waiting",
        "relay_leases_expired_total",
        "relay_lease_calls_total",
        "relay_lease_call_duration_seconds_count",
        "relay_leases_total",
        "relay_overage_tokens_total",
        "relay_redis_up",
        "relay_redis_mode",
        "relay_redis_slow",
        "relay_redis_trouble",
        "relay_config_reloads_total",
        "relay_log_dropped_total",
        "relay_connections_shed_total",
        "relay_drain_cut_answers_total",
        "relay_client_requests_total",
        "relay_client_denials_total",
        "relay_client_tokens_total",
        "relay_client_used_ratio",
        "relay_client_budget_used_ratio",
        "relay_client_share_ratio",
        "relay_client_waiting",
        "relay_client_wait_seconds_count",
      })
  void a_meter_exists_from_the_start_at_0(String name) {
    List<String> series = series(name);
    assertFalse(series.isEmpty(), name);
    // Without an engine Redis counts as down, so one mode is 1.
    List<String> expected =
        name.equals("relay_redis_mode")
            ? List.of("relay_redis_mode{mode=\"fair_share\"} 1.0")
            : List.of();
    assertEquals(
        expected,
        series.stream().filter(line -> !line.endsWith(" 0.0") && !line.endsWith(" 0")).toList());
  }

  /** Else the page of 10,000 idle clients would be some megabytes. */
  @Test
  void idle_clients_of_many_are_not_on_the_page() {
    String clients =
        IntStream.range(0, 1_001)
            .mapToObj(n -> "{ name: c%d, key: client-secret-%d, rpm_limit: 5 }".formatted(n, n))
            .collect(Collectors.joining(", ", "server: { auth: { clients: [", "] } }\n"));
    try (Meters many = new Meters(Configs.of(clients + Configs.POOLS))) {
      assertEquals(
          List.of(),
          many.scrape()
              .lines()
              .filter(line -> line.matches("relay_client_(used|share|waiting).*"))
              .filter(line -> !line.contains("client=\"none\""))
              .limit(1)
              .toList());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "jvm_memory_used_bytes",
        "jvm_threads_live_threads",
        "jvm_gc_pause_seconds_count",
        "jvm_gc_pause_seconds_sum",
        "jvm_gc_memory_allocated_bytes_total",
        "process_uptime_seconds",
        "process_cpu_usage",
        "process_files_open_files"
      })
  void the_jvm_and_the_process_are_measured(String name) {
    assertFalse(series(name).isEmpty());
  }

  /** What {@code promtool check metrics} would say. */
  @Test
  void names_follow_the_conventions_of_prometheus() {
    List<String> odd = new ArrayList<>();
    for (String line : meters.scrape().lines().filter(l -> l.startsWith("# TYPE ")).toList()) {
      String name = line.split(" ", -1)[2];
      boolean counter = line.endsWith(" counter");
      boolean plain = counter || line.endsWith(" gauge");
      if (counter != name.endsWith("_total")
          || (plain && name.matches(".*_(count|sum|bucket)"))
          || name.matches(".*_(ns|us|ms|sec|kb|mb)(_.*)?")) {
        odd.add(line);
      }
    }
    assertEquals(List.of(), odd);
    assertFalse(series("process_cpu_seconds_total").getFirst().endsWith(" 0.0"));
  }
}
