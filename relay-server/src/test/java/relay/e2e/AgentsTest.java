package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.guards.Await;
import relay.model.Dialect;

/** Claude Code starts many agents in one session. They send one session id and one user id. */
@Tag("slow")
class AgentsTest {
  private static final int AGENTS = 50;

  /** A request that comes so late may find that its place has lapsed. */
  private static final long LATE_NANOS = 50_000_000;

  /** A place is kept at least so long after its time. */
  private static final long KEPT_NANOS = 200_000_000;

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void agents_of_one_session_spread_and_each_stays_on_its_account(boolean inHeaders)
      throws Exception {
    try (RawProvider provider = RawProvider.fine(Dialect.ANTHROPIC);
        Replicas replicas =
            new Setup()
                .provider(
                    "p",
                    Dialect.ANTHROPIC,
                    provider.url(),
                    List.of("pooling: { affinity: session }"),
                    List.of(key("a"), key("b"), key("c")))
                .start(3)) {
      List<String> first = keys(replicas, 0, inHeaders);
      Map<String, Long> agents =
          first.stream().collect(Collectors.groupingBy(Function.identity(), Collectors.counting()));
      assertEquals(3, agents.size(), agents::toString);
      assertTrue(Collections.max(agents.values()) <= AGENTS / 2, agents::toString);
      assertEquals(first, keys(replicas, 1, inHeaders), "the second turn, by other replicas");
    }
  }

  private static String key(String id) {
    return Setup.key(id, "rpm_limit: 120");
  }

  private static List<String> keys(Replicas replicas, int turn, boolean inHeaders)
      throws Exception {
    List<String> keys = new ArrayList<>();
    for (int agent = 0; agent < AGENTS; agent++) {
      Ask ask = Ask.of(Dialect.ANTHROPIC, "p");
      if (inHeaders) {
        ask.header("x-claude-code-session-id: 0c5e").header("x-claude-code-agent-id: a" + agent);
      } else {
        ask.body(
            Ask.body(
                "p",
                "\"metadata\":{\"user_id\":\"user_1_session_0c5e\"},\"system\":\""
                    + agent
                    + "\","));
      }
      Answer answer = RawClient.ask(replicas.port((agent + turn) % 3), ask);
      assertEquals(200, answer.status(), answer.toString());
      keys.add(String.valueOf(answer.header("x-relay-key")));
    }
    return keys;
  }

  /** A prompt cache belongs to an account: a conversation leaves it only when it has no room. */
  @Test
  void a_conversation_stays_until_its_account_is_full() throws Exception {
    String limit = "rpm_limit: 20"; // of which a bucket takes 19 at once
    try (RawProvider provider = RawProvider.fine(Dialect.ANTHROPIC);
        Replicas replicas =
            new Setup()
                .provider(
                    "p",
                    Dialect.ANTHROPIC,
                    provider.url(),
                    List.of("pooling: { accounting: token_bucket, window_ms: 86400000 }"),
                    List.of(Setup.key("a", limit), Setup.key("b", limit), Setup.key("c", limit)))
                .start(3)) {
      List<String> keys = new ArrayList<>();
      for (int turn = 0; turn < 3 * 19; turn++) {
        Answer answer = RawClient.ask(replicas.port(turn % 3), Ask.of(Dialect.ANTHROPIC, "p"));
        assertEquals(200, answer.status(), answer.toString());
        keys.add(String.valueOf(answer.header("x-relay-key")));
      }
      for (int account = 0; account < 3; account++) {
        List<String> turns = keys.subList(19 * account, 19 * account + 19);
        assertEquals(1, turns.stream().distinct().count(), keys::toString);
      }
      assertEquals(3, keys.stream().distinct().count(), keys::toString);
      assertEquals(429, RawClient.ask(replicas.port(0), Ask.of(Dialect.ANTHROPIC, "p")).status());
    }
  }

  /** The share is the tokens' that answers say came from a cache: 900 of 1,000. */
  @Test
  void the_share_of_cached_prompts_is_a_metric() throws Exception {
    String usage =
        "{\"type\":\"message\",\"content\":[],\"usage\":{\"input_tokens\":60,"
            + "\"cache_creation_input_tokens\":40,\"cache_read_input_tokens\":900,\"output_tokens\":3}}";
    try (RawProvider provider =
            new RawProvider((request, connection) -> connection.write(Says.json(200, usage)));
        Replicas replicas =
            new Setup().provider("p", Dialect.ANTHROPIC, provider.url(), Setup.key("a")).start(1)) {
      assertEquals(200, RawClient.ask(replicas.port(0), Ask.of(Dialect.ANTHROPIC, "p")).status());
      assertEquals(0.9, replicas.metric(0, "relay_cache_read_ratio{pool=\"p\"}"), 1e-6);
    }
  }

  /** A pool of one key, of one client or of two that share it. */
  private static Setup pool(RawProvider provider, boolean alone, String limit, int window) {
    String pooling = "pooling: { affinity: none, window_ms: %d }".formatted(window);
    return (alone ? new Setup() : new Setup().client("other"))
        .provider(
            "p",
            Dialect.ANTHROPIC,
            provider.url(),
            List.of(pooling),
            List.of(Setup.key("a", limit)));
  }

  /** With one credential, alone or of two, and no setting of shares, at three replicas. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void agents_that_obey_are_each_served_at_a_time_of_their_own(boolean alone) throws Exception {
    int atOnce = 60; // half of the limit
    int refused = 6;
    Ask ask = Ask.of(Dialect.ANTHROPIC, "p");
    try (RawProvider provider = RawProvider.fine(Dialect.ANTHROPIC);
        Replicas replicas = pool(provider, alone, "rpm_limit: 120", 60_000).start(3)) {
      for (int n = 0; n < atOnce; n++) {
        assertEquals(200, RawClient.ask(replicas.port(n % 3), ask).status());
      }
      List<Long> told = new ArrayList<>();
      int early = 0; // the first requests have begun to flow off
      while (told.size() < refused) {
        // a body of its own: an equal one that comes early is taken for a repetition
        Answer answer = RawClient.ask(replicas.port(told.size() % 3), numbered(told.size()));
        early += answer.status() == 200 ? 1 : 0;
        if (answer.status() == 429) {
          told.add(moment(answer));
        }
      }
      assertTrue(early < atOnce, early + " more than half of the limit at once");
      long apart = (told.getLast() - told.getFirst()) / (refused - 1) / 1_000_000;
      assertTrue(apart >= 400, apart + " ms between two, of two a second");
      int again = 0;
      for (int n = 0; n < refused; n++) {
        long at = told.get(n);
        Answer answer;
        do { // again if those before were served later than they were told
          Await.moment(at);
          boolean inTime = System.nanoTime() - at < LATE_NANOS;
          answer = RawClient.ask(replicas.port(n % 3), numbered(n));
          again += inTime && answer.status() == 429 ? 1 : 0;
          at = moment(answer);
        } while (answer.status() == 429);
        assertEquals(200, answer.status());
      }
      // While the first burst is paid back, a time may be a place early: once for each, at most.
      assertTrue(again <= refused, again + " came in time and were refused, of " + refused);
    }
  }

  /**
   * A repetition has the same body. Another request of the same client does not get its place,
   * where several wait.
   */
  @Test
  void a_place_is_kept_for_the_request_that_was_told_the_time() throws Exception {
    aloneAndBesideAnother(AgentsTest::aPlaceIsKept);
  }

  private static void aPlaceIsKept(boolean alone) throws Exception {
    try (RawProvider provider = RawProvider.fine(Dialect.ANTHROPIC);
        Replicas replicas = pool(provider, alone, "rpm_limit: 8", 24_000).start(2)) {
      int body = 0;
      boolean inTime;
      do { // again if this machine stood still: a place is not kept for long
        Ask first;
        Answer refused;
        long sent;
        do {
          first = numbered(++body);
          sent = System.nanoTime();
          refused = RawClient.ask(replicas.port(0), first);
        } while (refused.status() == 200);
        long told = moment(refused);
        long earliest = sent + (told - System.nanoTime());
        for (int n = 0; n < 5; n++) {
          assertEquals(429, RawClient.ask(replicas.port(0), numbered(++body)).status());
        }
        Await.moment(told);
        Answer other = RawClient.ask(replicas.port(1), numbered(++body));
        inTime = System.nanoTime() - earliest < KEPT_NANOS;
        if (inTime) {
          assertEquals(429, other.status());
        }
        Answer own = RawClient.ask(replicas.port(1), first);
        if (own.status() == 429) { // the other one had its room; its place is still the first
          Await.moment(moment(own));
          own = RawClient.ask(replicas.port(1), first);
        }
        assertEquals(200, own.status());
      } while (!inTime);
    }
  }

  private interface Case {
    void hold(boolean alone) throws Exception;
  }

  /** Both at the same time: they wait for most of it. */
  private static void aloneAndBesideAnother(Case one) throws Exception {
    try (ExecutorService together = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> both = new ArrayList<>();
      for (boolean alone : List.of(true, false)) {
        both.add(
            together.submit(
                () -> {
                  one.hold(alone);
                  return alone;
                }));
      }
      for (Future<?> each : both) {
        each.get();
      }
    }
  }

  private static Ask numbered(int body) {
    return Ask.of(Dialect.ANTHROPIC, "p").body(Ask.body("p", "\"top_k\":" + body + ","));
  }

  /** While one request waits, any request of its client gets the room that comes. */
  @Test
  void at_the_time_that_one_was_told_any_request_of_its_client_is_served() throws Exception {
    aloneAndBesideAnother(AgentsTest::anyRequestIsServed);
  }

  private static void anyRequestIsServed(boolean alone) throws Exception {
    try (RawProvider provider = RawProvider.fine(Dialect.ANTHROPIC);
        Replicas replicas = pool(provider, alone, "rpm_limit: 8", 24_000).start(2)) {
      Answer refused;
      int body = 0;
      do {
        refused = RawClient.ask(replicas.port(0), numbered(++body));
      } while (refused.status() == 200);
      Await.moment(moment(refused));
      assertEquals(200, RawClient.ask(replicas.port(1), numbered(++body)).status());
    }
  }

  /** By {@link System#nanoTime}, when it was told to come. */
  private static long moment(Answer answer) {
    String after = Objects.requireNonNullElse(answer.header("retry-after-ms"), "0");
    return System.nanoTime() + Long.parseLong(after) * 1_000_000;
  }
}
