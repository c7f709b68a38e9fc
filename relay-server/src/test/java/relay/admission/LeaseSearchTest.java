package relay.admission;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import relay.admission.LeaseSearch.Outcome;
import relay.auth.Clients;
import relay.auth.Clients.Caller;
import relay.carrier.Carriers;
import relay.config.Config;
import relay.embedded.EmbeddedRedis;
import relay.guards.Await;
import relay.logging.RequestLog;
import relay.metrics.Meters;
import relay.model.HeaderLines;
import relay.model.TokenUsage;
import relay.pool.Configs;
import relay.redis.KeyPool;
import relay.redis.RedisEngine;
import relay.redis.Refusals;
import relay.redis.model.Acquisition;
import relay.redis.model.Acquisition.Granted;
import relay.redis.model.Demand;
import relay.redis.model.Lease;
import relay.redis.model.PoolPlan;
import relay.redis.model.Usage;
import relay.upstream.KnownReply;
import relay.upstream.Upstream;

/** Each outcome of a search for leases, without HTTP. */
@Timeout(120)
@SuppressWarnings("NullAway.Init") // fields are set before each test
class LeaseSearchTest {
  private static final Duration LONG = Duration.ofMinutes(1);

  private final Carriers carriers = new Carriers("carrier", 1);
  private final Cancellation cancellation = new Cancellation();
  private final List<LeaseSearch> begun = new ArrayList<>();
  private EmbeddedRedis redis;
  private RedisEngine engine;
  private Upstream upstream;
  private Meters meters;
  private Clients clients;
  private KeyPool clientsPool;
  private List<Route> routes;
  private Admission admission;

  @BeforeEach
  void start() throws IOException {
    redis = EmbeddedRedis.start();
    Config config =
        Configs.of(
            """
            server:
              auth:
                clients:
                  - { name: team, key: client-secret-of-team, rpm_limit: 2 }
                  - { name: free, key: client-secret-of-free }
                  - { name: tried, key: client-secret-of-tried, rpm_limit: 2, enforce: false }
            providers:
              - name: open
                type: openai
                models: [gpt-x]
                keys:
                  - { key: secret-1, id: o-1, rpm_limit: 100, tpm_limit: 100000 }
                  - { key: secret-2, id: o-2, rpm_limit: 100, tpm_limit: 100000 }
              - name: two
                type: openai
                models: [gpt-two]
                keys:
                  - { key: secret-5, id: t-1, priority: 2 }
                  - { key: secret-6, id: t-2 }
              - name: full
                type: openai
                models: [gpt-one]
                keys: [{ key: secret-3, id: f-1, max_concurrent: 1 }]
              - name: slow
                type: openai
                models: [gpt-wait]
                pooling: { max_wait_ms: 60000 }
                keys: [{ key: secret-4, id: s-1, max_concurrent: 1 }]
            """);
    engine = RedisEngine.start(Configs.replica(config, redis.url(), "a"));
    upstream = new Upstream(carriers, LONG, LONG, LONG, () -> false);
    meters = new Meters(config);
    TestAdmission parts = TestAdmission.of(config, engine, upstream);
    clients = parts.clients();
    clientsPool = parts.clientsPool();
    routes = parts.routes();
    admission = parts.admission();
  }

  @AfterEach
  void stop() throws IOException {
    begun.forEach(LeaseSearch::close);
    engine.close();
    upstream.close();
    carriers.close();
    meters.close();
    redis.close();
  }

  private LeaseSearch search(String client, LeaseRequest request) {
    Caller caller =
        Objects.requireNonNull(clients.authenticate("client-secret-of-" + client, null));
    RequestRecord record = new RequestRecord("req_1", meters, new RequestLog(0));
    record.clientName(client);
    LeaseSearch search =
        admission.search(
            request,
            caller,
            admission.providers(caller, request.model(), _ -> true),
            record,
            cancellation);
    begun.add(search);
    return search;
  }

  private LeaseSearch search(String client, String model) {
    return search(client, new KnownRequest(model, Set.of()));
  }

  private static Admitted leased(Outcome outcome) {
    return assertInstanceOf(Outcome.Leased.class, outcome).admitted();
  }

  @Test
  void a_lease_is_of_the_size_that_the_request_states_and_is_settled_with_its_quota() {
    LeaseSearch search = search("team", "gpt-x");
    Admitted admitted = leased(search.first());
    admitted.begin();
    assertEquals(120, admitted.lease().inputTokens());
    assertEquals(50, admitted.lease().outputTokens(), "openai charges the bound at admission");
    admitted.settle(new ReportedUsage(new TokenUsage(100, 0, 0, 40), true, false));
    assertEquals(new Usage(1, 100, 50), admitted.lease().charged());
    search.close();
    assertEquals("0.0", TestAdmission.metric(meters, "relay_reserved_tokens"));
    assertEquals(
        "100.0",
        TestAdmission.metric(meters, "relay_client_tokens_total{client=\"team\",type=\"input\"}"));
    Await.until("both are settled", () -> clientsPool.liveLeases() == 0);
    assertEquals(1, TestAdmission.requests(clientsPool));
  }

  @Test
  void a_key_that_the_request_avoids_is_a_last_resort() {
    for (int n = 0; n < 4; n++) {
      Admitted admitted = leased(search("free", new KnownRequest("gpt-x", Set.of("o-1"))).first());
      assertEquals("o-2", admitted.lease().key());
    }
  }

  /** As when a heartbeat tells what another replica met. */
  @Test
  void a_key_whose_account_refuses_the_model_since_it_was_asked_for_leaves_the_others() {
    assertEquals("t-1", leased(search("free", "gpt-two").first()).lease().key());
    Route two = routes.get(1);
    PoolPlan plan = two.pool().plan();
    String group = PoolPlan.group(plan.keys().getFirst().account(), plan.modelClasses().getFirst());
    Runnable refuse =
        () -> two.refusals().refuse(Refusals.Scope.ofModel(group, "gpt-two"), LONG).join();
    Admitted admitted =
        leased(search("free", new KnownRequest("gpt-two", Set.of(), refuse)).first());
    assertEquals("t-2", admitted.lease().key());
    Await.until("the first goes back", () -> two.pool().liveLeases() == 2);
  }

  @Test
  void a_client_at_its_own_limit_is_out_of_quota_and_no_key_is_taken() {
    leased(search("team", "gpt-x").first()).begin();
    leased(search("team", "gpt-x").first()).begin();
    Outcome.OutOfQuota refusal =
        assertInstanceOf(Outcome.OutOfQuota.class, search("team", "gpt-x").first());
    assertEquals("requests", refusal.reason());
    assertEquals(429, refusal.error().status());
    assertTrue(Objects.requireNonNull(refusal.error().retryAfter()).isPositive());
    Await.until("only two keys are held", () -> routes.getFirst().pool().liveLeases() == 2);
  }

  @Test
  void shadow_mode_lets_pass_and_counts_what_it_would_have_refused() {
    for (int n = 0; n < 3; n++) {
      leased(search("tried", "gpt-x").first()).begin();
    }
    assertEquals("1.0", TestAdmission.metric(meters, "relay_would_deny_total{scope=\"client\"}"));
  }

  @Test
  void without_a_free_key_there_is_no_capacity_and_the_error_has_a_time() {
    leased(search("free", "gpt-one").first()).begin();
    Outcome.NoCapacity refusal =
        assertInstanceOf(Outcome.NoCapacity.class, search("free", "gpt-one").first());
    assertEquals(429, refusal.error().status());
    assertTrue(Objects.requireNonNull(refusal.error().retryAfter()).isPositive());
  }

  @Test
  void a_request_that_is_cancelled_while_it_is_parked_leaves_the_line() throws Exception {
    Admitted first = leased(search("free", "gpt-wait").first());
    KeyPool pool = routes.getLast().pool();
    CompletableFuture<Outcome> waiting = new CompletableFuture<>();
    LeaseSearch search = search("free", "gpt-wait");
    Thread.ofVirtual().start(() -> waiting.complete(search.first()));
    Await.until("it is parked", () -> pool.waiting() == 1);
    cancellation.clientLeft();
    assertInstanceOf(Outcome.Cancelled.class, waiting.get());
    first.cancel();
    Await.until("nobody waits, and no lease lives", () -> pool.waiting() + pool.liveLeases() == 0);
  }

  @Test
  void a_refusal_cools_its_key_down_and_the_search_goes_on_with_another() {
    LeaseSearch search = search("free", "gpt-x");
    Admitted first = leased(search.first());
    first.begin();
    Failure failure =
        first.answered(
            new KnownReply(
                429,
                new HeaderLines().add("retry-after", "30"),
                "{\"error\":{\"message\":\"slow down\"}}".getBytes(UTF_8)));
    assertInstanceOf(Failure.RateLimited.class, failure);
    Admitted second = leased(search.after(first, Objects.requireNonNull(failure)));
    assertNotEquals(first.lease().key(), second.lease().key());
    assertEquals(2, second.number());
    assertEquals(new Usage(1, 0, 0), first.lease().charged(), "a request, and no tokens");
    second.begin();
    assertNull(second.answered(new KnownReply(200, new HeaderLines(), new byte[0])));
    Admitted later = leased(search("free", "gpt-x").first());
    assertEquals(second.lease().key(), later.lease().key(), "the first one is cooling down");
  }

  @Test
  void an_error_of_the_provider_ends_the_search_when_no_attempt_is_left() {
    LeaseSearch search = search("free", "gpt-x");
    Outcome outcome = search.first();
    KnownReply broken = new KnownReply(500, new HeaderLines(), new byte[] {'x'});
    for (int n = 0; n < 3; n++) {
      Admitted admitted = leased(outcome);
      admitted.begin();
      outcome = search.after(admitted, Objects.requireNonNull(admitted.answered(broken)));
    }
    Failure.ProviderFailed last = assertInstanceOf(Outcome.Failed.class, outcome).answer();
    assertEquals(500, last.status());
    assertEquals("open", last.provider());
  }

  @Test
  void a_lease_that_may_have_been_sent_is_charged_and_another_one_is_cancelled() {
    for (boolean sent : new boolean[] {false, true}) {
      Lease lease;
      try (LeaseSearch search = search("free", "gpt-x")) {
        Admitted admitted = leased(search.first());
        lease = admitted.lease();
        if (sent) {
          admitted.begin();
        }
      }
      assertEquals(sent ? new Usage(1, 120, 50) : Usage.NONE, lease.charged());
      assertEquals("0.0", TestAdmission.metric(meters, "relay_reserved_tokens"));
    }
  }

  @Test
  void a_lease_that_outlives_its_search_is_ended_by_its_holder() {
    LeaseSearch search = search("team", "gpt-x");
    Admitted admitted = leased(search.first());
    admitted.begin();
    BackgroundLease kept = admitted.outliving();
    admitted.handOver();
    search.close();
    assertNull(admitted.lease().charged());
    kept.end(new TokenUsage(7, 0, 0, 3));
    assertEquals(new Usage(1, 7, 50), admitted.lease().charged());
    Await.until("the quota is settled, too", () -> clientsPool.liveLeases() == 0);
  }

  @Test
  void a_quota_that_is_granted_after_its_request_has_failed_goes_back() {
    ClientQuota quota = ClientQuota.of(clientsPool, "team", null, new HashMap<>());
    quota.reserve(
        new KnownRequest("gpt-x", Set.of()),
        Demand.of("any", 1, 1),
        () -> new Expected("gpt-x", TokenUsage.NONE));
    quota.end();
    Demand next = Demand.of(clientsPool.plan().modelClasses().getFirst(), 1, 1).on("team");
    Lease later = assertInstanceOf(Granted.class, clientsPool.acquire(next).join()).lease();
    Await.until("the first lease is cancelled", () -> clientsPool.liveLeases() == 1);
    later.cancel();
    Await.until("Redis has both", () -> TestAdmission.requests(clientsPool) == 0);
  }

  @Test
  void a_question_that_is_never_answered_goes_back() {
    CompletableFuture<Acquisition> pending = new CompletableFuture<>();
    try (KeyQuestions questions = new KeyQuestions()) {
      questions.begin(pending);
    }
    assertTrue(pending.isCancelled());
    Demand any = Demand.of(routes.getFirst().pool().plan().modelClasses().getFirst(), 1, 1);
    Granted granted = assertInstanceOf(Granted.class, routes.getFirst().pool().acquire(any).join());
    try (KeyQuestions questions = new KeyQuestions()) {
      questions.begin(CompletableFuture.completedFuture(granted));
    }
    assertEquals(Usage.NONE, granted.lease().charged());
  }
}
