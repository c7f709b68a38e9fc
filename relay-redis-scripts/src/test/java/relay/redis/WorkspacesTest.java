package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import relay.redis.SharedPool.Client;
import relay.redis.model.Accounting;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.Strategy;
import relay.redis.outage.CutOff;
import relay.redis.outage.FairShare;
import relay.redis.outage.FairShare.Choice;
import relay.redis.script.Announcement;
import relay.redis.script.Candidates;
import relay.redis.script.ConfigMark;
import relay.redis.script.RedisKeys;
import relay.redis.script.SurveyReply;
import relay.redis.walk.Clock;
import relay.redis.walk.ModelTest;
import relay.redis.walk.Step;

/**
 * Parts of an account whose limits hold beside the account's, such as Anthropic's workspaces.
 * {@link ModelTest} has them, too.
 */
@Tag("slow")
final class WorkspacesTest {
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final long EPOCH = 7;

  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());
  private final RedisKeys names = new RedisKeys("parts", Pools.name("p"));
  private long micros = 1_790_000_000_000_000L;
  private int next;

  @AfterEach
  void disconnect() {
    wire.close();
  }

  private static KeyPlan key(int n, String account) {
    return new KeyPlan("k" + n, account, 0, 1, 0);
  }

  private static PoolPlan plan(List<KeyPlan> keys, Map<String, Limits> byAccount) {
    Map<String, Limits> limits = new HashMap<>();
    byAccount.forEach((account, of) -> limits.put(PoolPlan.group(account, Pools.CLASS), of));
    return new PoolPlan(
        "parts",
        MINUTE,
        Strategy.LEAST_LOADED,
        Accounting.SLIDING_WINDOW,
        1,
        List.of(Pools.CLASS),
        keys,
        limits);
  }

  private static Limits requests(long limit) {
    return new Limits(limit, 0, 0, 0);
  }

  /** Two workspaces, and the organisation. */
  private static PoolPlan plan(long whole, long... parts) {
    Map<String, Limits> limits = new HashMap<>(Map.of("o", requests(whole)));
    List<KeyPlan> keys = new ArrayList<>();
    for (int n = 0; n < parts.length; n++) {
      keys.add(key(n, "o/w" + n));
      limits.put("o/w" + n, requests(parts[n]));
    }
    return plan(keys, limits);
  }

  private List<Object> call(Step step) {
    return wire.call(step, names, new Clock(micros, 0));
  }

  private void configure(PoolPlan plan) {
    call(new Step.Configure(0, EPOCH, plan));
  }

  /** One request on the n-th workspace's key: 1 if it is granted, else the time it is told. */
  private List<Object> ask(int n) {
    List<String> fields = List.of("k:k" + n, "g:o/w" + n + "/" + Pools.CLASS);
    return call(Step.acquire("l" + next++, EPOCH, 5, 5, Picks.LEASE_MS, fields));
  }

  private boolean isGranted(int n) {
    return ask(n).get(2).equals(1L);
  }

  /** Until one is refused. */
  private int most(int n) {
    int granted = 0;
    while (granted < 1_000 && isGranted(n)) {
      granted++;
    }
    return granted;
  }

  private PoolSnapshot.GroupState group(PoolPlan plan, String account) {
    Step survey = new Step.Survey("", 0, plan.groups(), plan.keys(), List.of());
    List<Object> reply =
        wire.send(survey.script(), survey.keys(names), survey.args(new Clock(micros, 0)).toArray())
            .join();
    String id = PoolPlan.group(account, Pools.CLASS);
    return new SurveyReply(reply).group(8 + plan.groups().indexOf(id), id).orElseThrow();
  }

  @Test
  void the_smaller_of_both_limits_binds_and_each_counts_what_it_carries() {
    PoolPlan plan = plan(40, 20, 100);
    configure(plan);
    assertEquals(10, most(0), "half its own limit at once");
    assertEquals(10, most(1), "the rest of half the organisation's");
    assertEquals(10, group(plan, "o/w0").used().requests());
    assertEquals(10, group(plan, "o/w1").used().requests());
    assertEquals(20, group(plan, "o").used().requests());
    assertEquals(20, group(plan, "o").inFlight());
    call(Step.cancel("l0"));
    assertEquals(19, group(plan, "o").used().requests());
    assertEquals(19, group(plan, "o").inFlight());
    assertEquals(9, group(plan, "o/w0").inFlight());
    call(Step.cancel("l0")); // once more
    assertEquals(19, group(plan, "o").used().requests());
  }

  @Test
  void a_refused_request_is_told_the_later_of_both_times() {
    configure(plan(40, 20, 100));
    assertEquals(20, most(0) + most(1));
    for (int n = 0; n < 2; n++) {
      List<Object> refused = ask(n);
      long wait = (Long) refused.get(3);
      micros += wait - 2_000; // a window's slot is longer, and none leaves yet
      assertFalse(isGranted(n));
      micros += 2_000;
      assertTrue(isGranted(n));
    }
  }

  @Test
  void an_idle_workspace_is_as_full_as_its_organisation() {
    List<KeyPlan> keys = List.of(key(0, "o/w0"), key(1, "o/w1"), key(2, "p"));
    configure(plan(keys, Map.of("o", requests(40), "o/w1", requests(100), "p", requests(40))));
    assertEquals(20, most(0));
    micros += 30_000_000;
    List<String> fields = new ArrayList<>();
    keys.forEach(
        k -> fields.addAll(List.of("k:" + k.id(), "g:" + k.account() + "/" + Pools.CLASS)));
    assertEquals("k2", call(Step.acquire("l", EPOCH, 5, 5, Picks.LEASE_MS, fields)).get(3));
  }

  @Test
  void usage_beyond_a_reservation_counts_in_both() {
    PoolPlan plan = plan(List.of(key(0, "o/w0")), Map.of("o", new Limits(0, 1_000, 0, 0)));
    configure(plan);
    assertTrue(isGranted(0));
    call(Step.settle("l0", 25, 5));
    assertEquals(25, group(plan, "o").used().inputTokens());
    assertEquals(25, group(plan, "o/w0").used().inputTokens());
  }

  /** An answer states the limit that binds most, of either. */
  @Test
  void an_answer_that_states_the_organisations_limit_tells_of_its_use() {
    PoolPlan plan = plan(1_000, 400);
    configure(plan);
    observe(1_000, 1_000); // so its bucket holds as much
    observe(1_000, 300);
    assertEquals(0, group(plan, "o/w0").used().requests());
    assertEquals(690, group(plan, "o").used().requests()); // others', but for rounding
    assertEquals(1_000, group(plan, "o").limits().requests());
    assertEquals(400, group(plan, "o/w0").limits().requests());
  }

  @Test
  void an_answer_that_states_the_workspaces_limit_tells_of_its_use() {
    PoolPlan plan = plan(1_000, 400);
    configure(plan);
    observe(400, 400);
    observe(400, 100);
    assertEquals(296, group(plan, "o/w0").used().requests());
    assertEquals(0, group(plan, "o").used().requests());
  }

  /** Then the organisation's limit is another than the configuration states. */
  @Test
  void a_limit_that_is_neither_teaches_the_organisation_nothing() {
    PoolPlan plan = plan(1_000, 400);
    configure(plan);
    observe(700, 1); // more than the workspace may use
    assertEquals(0, group(plan, "o/w0").used().requests());
    assertEquals(400, group(plan, "o/w0").limits().requests());
    observe(300, 300); // less: it may be of either, and holds for this workspace
    assertEquals(300, group(plan, "o/w0").limits().requests());
    assertEquals(1_000, group(plan, "o").limits().requests());
    assertEquals(0, group(plan, "o").learned().requests());
  }

  private void observe(long limit, long left) {
    List<Long> none = List.of(-1L, -1L, -1L, -1L);
    call(
        new Step.Observe(
            "o/w0/" + Pools.CLASS,
            List.of(limit, 0L, 0L, 0L),
            List.of(left, -1L, -1L, -1L),
            micros,
            none,
            List.of()));
  }

  /** In a pool with an index, keys that wait for the organisation are ready when it has room. */
  @ParameterizedTest
  @ValueSource(ints = {1, 6}) // six keys are one row of the index
  void room_that_one_workspace_returns_is_found_by_the_keys_of_another(int keysOfEach) {
    int parts = 24 / keysOfEach;
    List<KeyPlan> keys =
        IntStream.range(0, 24).mapToObj(n -> key(n, "o/w" + n / keysOfEach)).toList();
    Map<String, Limits> limits = new HashMap<>();
    limits.put("o/" + Pools.CLASS, requests(60));
    for (int n = 0; n < parts; n++) {
      limits.put("o/w" + n + "/" + Pools.CLASS, requests(parts == 24 ? 20 : 60));
    }
    Picks picks = new Picks(wire, Strategy.ROUND_ROBIN, keys, limits);
    List<Picks.Pick> held = new ArrayList<>();
    for (int n = 0; n < 40; n++) {
      picks.wish(1, null).stream().filter(pick -> !pick.key().isEmpty()).forEach(held::add);
    }
    assertEquals(30, held.size(), "half the organisation's limit at once");
    Picks.Pick ended = held.get(5);
    String over = picks.instead(ended).key();
    assertFalse(over.isEmpty(), "there is room again");
    assertFalse(over.equals(ended.key()), "it is not its turn");
  }

  @Test
  void room_that_a_workspace_returns_is_found_by_the_keys_of_the_organisation() {
    List<KeyPlan> keys =
        IntStream.range(0, 24).mapToObj(n -> key(n, n < 20 ? "o/w" : "o")).toList();
    Map<String, Limits> limits =
        Map.of("o/" + Pools.CLASS, requests(60), "o/w/" + Pools.CLASS, requests(100));
    Picks picks = new Picks(wire, Strategy.ROUND_ROBIN, keys, limits);
    List<Picks.Pick> held = new ArrayList<>();
    for (int n = 0; n < 40; n++) {
      picks.wish(1, null).stream().filter(pick -> !pick.key().isEmpty()).forEach(held::add);
    }
    assertEquals(30, held.size(), "half the organisation's limit at once");
    picks.cooled(keys.getFirst());
    Picks.Pick ended = held.stream().filter(pick -> pick.key().equals("k0")).findFirst().get();
    String over = picks.instead(ended).key();
    assertTrue(over.matches("k2[0-3]"), "not " + over);
  }

  @Test
  void shadow_mode_owes_no_more_than_a_limit_in_both() {
    configure(plan(10, 100, 100));
    for (int n = 0; n < 40; n++) {
      List<String> fields = List.of("k:k0{}", "g:o/w0/" + Pools.CLASS);
      long told = (Long) call(Step.acquire("s" + n, EPOCH, 5, 5, Picks.LEASE_MS, fields)).get(2);
      assertTrue(told >= 1, "request " + n + " is granted");
    }
    assertFalse(isGranted(1));
    micros += 62_000_000;
    assertTrue(isGranted(1), "a window later nothing is owed");
  }

  @ParameterizedTest
  @CsvSource({"1000, 800, 900", "1000, 100, 180"})
  void without_redis_a_replica_keeps_to_its_share_of_both(long whole, long part, int aMinute) {
    long[] nanos = {0};
    CutOff cutOff = new CutOff(MINUTE, () -> false, () -> true, () -> nanos[0], 1);
    FairShare share = new FairShare(plan(whole, part, part), () -> nanos[0], cutOff);
    int admitted = 0;
    for (; nanos[0] < MINUTE.multipliedBy(5).toNanos(); nanos[0] += 10_000_000) {
      admitted += share.choose(Pools.one(), null, true) instanceof Choice.Taken ? 1 : 0;
    }
    assertTrue(admitted <= 5 * aMinute && admitted >= 4.95 * aMinute, admitted + " in 5 minutes");
    String group = PoolPlan.group("o", Pools.CLASS);
    assertFalse(
        share.takeOutageUsage().byGroup().containsKey(group), "a part's charge counts in both");
  }

  /** The order of refused requests is that of the organisation, in which all wait. */
  @Test
  void clients_share_what_an_organisation_has() {
    int limit = 300;
    SharedPool pool = new SharedPool(wire, plan(limit, limit, limit, limit / 10));
    List<Client> clients = Stream.of(1, 2).map(w -> pool.client("w" + w, w)).toList();
    clients.forEach(c -> c.poll(0, 5, 3.0 * limit / 2));
    pool.run(5);
    double first = clients.getFirst().between(2, 5);
    double second = clients.getLast().between(2, 5);
    assertTrue(first + second >= 0.97 * 3 * limit, first + " and " + second);
    assertEquals((first + second) / 3, first, 0.05 * (first + second) / 3);
  }

  @ParameterizedTest
  @CsvSource({"60, 50", "60, 30", "600, 30"})
  void refused_requests_of_an_organisation_are_told_times_of_their_own(long whole, long part) {
    SharedPool pool = new SharedPool(wire, plan(whole, part, part));
    Client agents = pool.client("agents", 1);
    for (int n = 0; n < 100; n++) {
      pool.atMinute(n / 60_000.0, agents::obey);
    }
    pool.run(8);
    double asked = (double) agents.asked / agents.grants.size();
    assertTrue(asked <= 4, asked + " asked for each granted");
    assertTrue(agents.between(2, 8) >= 0.97 * 6 * 60, agents.between(2, 8) + " granted");
  }

  /** A part of a plan brings the groups of accounts that no part before it has. */
  @Test
  void a_plan_in_parts_announces_an_organisation_once() {
    List<KeyPlan> keys = IntStream.range(0, 130).mapToObj(n -> key(n, "o/w" + n % 3)).toList();
    PoolPlan plan = plan(keys, Map.of());
    Announcement announcement = new Announcement(new Candidates(plan, names), 30);
    List<String> announced = new ArrayList<>();
    for (int part = 0; part < announcement.parts(); part++) {
      announcement.args(part, 0, 0, "", ConfigMark.NONE).stream()
          .map(ScriptConnection::text)
          .filter(arg -> arg.endsWith("/" + Pools.CLASS) && plan.groups().contains(arg))
          .distinct()
          .filter(arg -> !announced.contains(arg) || arg.equals("o/" + Pools.CLASS))
          .forEach(announced::add);
    }
    assertEquals(plan.groups(), announced);
  }
}
