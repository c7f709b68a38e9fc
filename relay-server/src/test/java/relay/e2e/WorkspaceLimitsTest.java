package relay.e2e;

import static java.time.format.DateTimeFormatter.RFC_1123_DATE_TIME;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.model.Dialect;

/**
 * Workspaces of an organisation, behind three replicas. "A workspace limit of either type applies
 * alongside the organization's limit, not in place of it": "Set Workspace Rate Limits", Claude API
 * reference, platform.claude.com, read November 28, 2026.
 */
@Tag("slow")
class WorkspaceLimitsTest {
  private static final Duration HOUR = Duration.ofHours(1);
  private static final int ENOUGH = 500; // three windows

  /** An organisation or a workspace: a token bucket, as Anthropic documents it. */
  private static final class Bucket {
    final long limit;
    private final Duration window;
    private double level;
    private long at = System.nanoTime();

    Bucket(long limit, Duration window) {
      this.limit = limit;
      this.window = window;
      level = limit;
    }

    double left() {
      long now = System.nanoTime();
      level = Math.min((double) limit, level + (double) limit * (now - at) / window.toNanos());
      at = now;
      return level;
    }

    Instant full() {
      double missing = (limit - left()) / limit;
      return Instant.now().plusNanos((long) (missing * window.toNanos()));
    }
  }

  /** Counts each request in its workspace and in the organisation. */
  private static final class Organization {
    final Bucket whole;
    final Map<String, Bucket> parts; // by key
    final Map<String, AtomicInteger> served =
        Map.of("r", new AtomicInteger(), "p", new AtomicInteger(), "d", new AtomicInteger());
    final AtomicInteger refused = new AtomicInteger();

    Organization(long whole, long part, Duration window) {
      this.whole = new Bucket(whole, window);
      parts = Map.of("r", new Bucket(part, window), "p", new Bucket(part, window));
    }

    void answer(RawProvider.Received request, RawProvider.Connection connection)
        throws IOException {
      String key = request.key().substring("secret-".length());
      String answer;
      synchronized (this) {
        Bucket part = parts.getOrDefault(key, whole);
        // the headers are of the limit that is the most restrictive now
        Bucket told = part.left() < whole.left() ? part : whole;
        boolean fits = told.left() >= 1;
        Stream.of(whole, part).distinct().forEach(bucket -> bucket.level -= fits ? 1 : 0);
        (fits ? servedTo(key) : refused).incrementAndGet();
        answer =
            Says.json(
                fits ? 200 : 429,
                fits ? Says.answer(Dialect.ANTHROPIC) : "{}",
                // without it the reset says nothing, and an answer that is read late looks like a
                // smaller bucket
                "date: " + RFC_1123_DATE_TIME.format(Instant.now().atOffset(ZoneOffset.UTC)),
                "anthropic-ratelimit-requests-limit: " + told.limit,
                "anthropic-ratelimit-requests-remaining: " + (long) told.left(),
                "anthropic-ratelimit-requests-reset: " + told.full());
      }
      connection.write(answer);
    }

    AtomicInteger servedTo(String key) {
      return Objects.requireNonNull(served.get(key));
    }

    int served() {
      return served.values().stream().mapToInt(AtomicInteger::get).sum();
    }
  }

  private static Replicas start(RawProvider provider, String pooling, long whole, long part)
      throws Exception {
    return new Setup()
        .provider(
            """
            - name: a
              type: anthropic
              base_url: %s
              models: [m]
              model_classes: []
              pooling: { affinity: none, %s }
              workspaces:
                - { name: research, rpm_limit: %d }
                - { name: product, rpm_limit: %d }
              keys:
                - { key: secret-r, id: r, account: acme, workspace: research, rpm_limit: %d }
                - { key: secret-p, id: p, account: acme, workspace: product }
            """
                .formatted(provider.url(), pooling, part, part, whole))
        .start(3);
  }

  private static Answer ask(Replicas replicas, int replica) throws Exception {
    return RawClient.ask(replicas.port(replica), Ask.of(Dialect.ANTHROPIC, "m"));
  }

  /** Requests that are granted, by the replicas in turn, until one is refused. */
  private static int granted(Replicas replicas) throws Exception {
    int granted = 0;
    Answer last = ask(replicas, 0);
    while (last.status() == 200) {
      granted++;
      last = ask(replicas, granted % 3);
    }
    assertEquals(429, last.status());
    assertNotNull(last.header("retry-after"));
    return granted;
  }

  private static JsonNode pool(Replicas replicas, int replica) throws IOException {
    return replicas.admin(replica, "/pools/a").json();
  }

  private static JsonNode group(Replicas replicas, int replica, String id) throws IOException {
    for (JsonNode group : pool(replicas, replica).path("groups")) {
      if (group.path("id").asText().equals(id)) {
        return group;
      }
    }
    throw new AssertionError(id + " is not in " + pool(replicas, replica));
  }

  private static int used(Replicas replicas, int replica, String id) throws IOException {
    return group(replicas, replica, id).at("/used/rpm").asInt();
  }

  @Test
  void a_request_counts_once_in_each_and_must_fit_both() throws Exception {
    Organization organization = new Organization(20, 12, HOUR);
    try (RawProvider provider = new RawProvider(organization::answer);
        Replicas replicas =
            start(provider, "accounting: token_bucket, window_ms: 3600000", 20, 12)) {
      assertEquals(
          19, granted(replicas), "95 % of the organisation's; of both workspaces it is 22");
      assertEquals(19, organization.served());
      assertEquals(0, organization.refused.get());
      for (int n = 0; n < 3; n++) {
        int replica = n;
        Await.until("replica " + n, () -> used(replicas, replica, "acme/default") == 19);
        for (String name : new String[] {"research", "product"}) {
          AtomicInteger served = organization.servedTo(name.substring(0, 1));
          assertEquals(served.get(), used(replicas, n, "acme/" + name + "/default"));
          assertTrue(served.get() >= 8 && served.get() <= 11, name + ": " + served);
        }
        JsonNode pool = pool(replicas, n);
        assertTrue(pool.path("next_capacity_ms").asInt() > 0, pool.toString());
        assertEquals("acme/research", pool.at("/keys/0/account").asText());
        assertEquals(20, group(replicas, n, "acme/default").at("/limits/rpm").asInt());
      }
      replicas.awaitLine("a", "acme/default", "rpm 19/20 .* inflight 0 .*");
    }
  }

  @Test
  void a_workspace_that_is_used_up_leaves_the_organisation_its_rest() throws Exception {
    Organization organization = new Organization(100, 20, HOUR);
    try (RawProvider provider = new RawProvider(organization::answer);
        Replicas replicas =
            start(provider, "accounting: token_bucket, window_ms: 3600000", 100, 20)) {
      assertEquals(38, granted(replicas), "19 of each workspace");
      assertEquals(0, organization.refused.get());
      Await.until("a survey", () -> used(replicas, 0, "acme/default") == 38);
      assertEquals(19, used(replicas, 0, "acme/research/default"));
      assertTrue(pool(replicas, 0).path("next_capacity_ms").asInt() > 0);
    }
  }

  /** Its answers tell of the workspace, and of the organisation when that has less left. */
  @Test
  void under_load_the_provider_never_refuses_and_its_answers_teach_no_wrong_limit()
      throws Exception {
    Organization organization = new Organization(150, 90, Duration.ofMillis(1_500));
    AtomicInteger refusedByRelay = new AtomicInteger();
    long end = System.nanoTime() + Duration.ofMinutes(1).toNanos();
    try (RawProvider provider = new RawProvider(organization::answer);
        Replicas replicas = start(provider, "window_ms: 1500", 150, 90)) {
      try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
        for (int n = 0; n < 6; n++) {
          int replica = n % 3;
          var _ =
              clients.submit(
                  () -> {
                    while (organization.served() < ENOUGH && System.nanoTime() - end < 0) {
                      refusedByRelay.addAndGet(ask(replicas, replica).status() == 429 ? 1 : 0);
                    }
                    return null;
                  });
        }
      }
      assertEquals(0, organization.refused.get(), "of " + organization.served());
      assertTrue(organization.served() >= ENOUGH, organization.served() + " in a minute");
      assertTrue(refusedByRelay.get() > 0, "the load was below the limits");
      assertEquals(150, group(replicas, 0, "acme/default").at("/limits/rpm").asInt());
      assertEquals(90, group(replicas, 0, "acme/product/default").at("/limits/rpm").asInt());
    }
  }
}
