package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.model.Dialect;
import relay.trial.provider.ProviderSimulator;
import relay.trial.provider.ProviderSimulator.Account;
import relay.trial.provider.ProviderSimulator.AccountStats;
import relay.trial.provider.ProviderSimulator.Settings;

/**
 * Random changes of the config of three replicas under load: no request fails, no stream is cut,
 * Redis counts what the provider counts, no limit is passed, and each change holds everywhere
 * within five seconds. {@code -Drelay.reload.changes=2000} makes a long run of it, {@code
 * -Drelay.reload.seed} repeats one.
 */
@Tag("slow")
class RandomReloadTest {
  private static final int CHANGES = Integer.getInteger("relay.reload.changes", 60);
  private static final long SEED = Long.getLong("relay.reload.seed", 18);
  private static final int REPLICAS = 3;
  private static final int CALLERS = 3;

  /** The window of the pool whose usage is compared: nothing leaves it during the test. */
  private static final String LONG_WINDOW = "window_ms: 36000000";

  private static final Duration SHORT_WINDOW = Duration.ofSeconds(4);
  private static final int TIGHT_LIMIT = 40;
  private static final int ACCOUNTS = 4;
  private static final int SECRETS = 6;

  private final Random random = new Random(SEED);
  private final Queue<String> failures = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean stopped = new AtomicBoolean();
  private final AtomicInteger answered = new AtomicInteger();
  private final AtomicInteger refused = new AtomicInteger();

  /** A key that comes and goes, and changes. */
  private static final class Extra {
    private boolean there;
    private int account;
    private int secret;
    private int weight = 1;
  }

  private final List<Extra> extras = new ArrayList<>();
  private boolean second;
  private boolean clientLimits;
  private boolean enforce = true;
  private int tight = TIGHT_LIMIT;
  private int strategy;
  private int routing;
  private int mapping;
  private int rotation;
  private volatile int shown; // the rotation that holds everywhere

  private static String extraSecret(int extra, int secret) {
    return "extra-%d-%d".formatted(extra, secret);
  }

  /** What the provider's accounts are called is not what the config calls them. */
  private static ProviderSimulator simulator() {
    List<Account> accounts = new ArrayList<>();
    List<String> unlimited = new ArrayList<>();
    for (int n = 0; n < ACCOUNTS; n++) {
      unlimited.add(Setup.secret("holder-" + n));
      for (int secret = 0; secret < SECRETS; secret++) {
        unlimited.add(extraSecret(n, secret));
      }
    }
    unlimited.add(Setup.secret("second"));
    accounts.add(new Account("unlimited", unlimited, 0, 0, 0, 0));
    accounts.add(new Account("tight", List.of(Setup.secret("tight")), TIGHT_LIMIT, 0, 0, 0));
    return ProviderSimulator.start(Settings.of(SHORT_WINDOW, accounts.toArray(Account[]::new)));
  }

  private Setup setup(String url) {
    Setup setup = new Setup();
    List<String> keys = new ArrayList<>();
    for (int n = 0; n < ACCOUNTS; n++) {
      keys.add(Setup.key("holder-" + n, "account: account-" + n));
    }
    for (int n = 0; n < extras.size(); n++) {
      Extra extra = extras.get(n);
      if (extra.there) {
        keys.add(
            "{ key: %s, id: extra-%d, account: account-%d, weight: %d }"
                .formatted(extraSecret(n, extra.secret), n, extra.account, extra.weight));
      }
    }
    String pooling =
        "pooling: { affinity: none, strategy: %s, %s, enforce: %s }"
            .formatted(
                List.of("least_loaded", "round_robin", "random", "weighted").get(strategy),
                LONG_WINDOW,
                enforce);
    List<String> steady =
        List.of("models: [ steady ]", "model_mapping: { steady: steady-" + mapping + " }", pooling);
    setup.provider("steady", Dialect.ANTHROPIC, url, steady, keys);
    if (second) {
      setup.provider(
          "second",
          Dialect.ANTHROPIC,
          url,
          List.of("models: [ steady ]", "pooling: { affinity: none, " + LONG_WINDOW + " }"),
          List.of(Setup.key("second")));
    }
    setup.provider(
        "tight",
        Dialect.ANTHROPIC,
        url,
        List.of("pooling: { affinity: none, window_ms: " + SHORT_WINDOW.toMillis() + " }"),
        List.of(Setup.key("tight", "rpm_limit: " + tight)));
    setup.routing("strategy: " + List.of("failover", "round_robin", "shuffle").get(routing));
    setup.clientYaml(
        "{ name: team, keys: [ team-%d, team-%d, team-%d ]%s }"
            .formatted(
                rotation,
                rotation + 1,
                rotation + 2,
                clientLimits ? ", rpm_limit: 900000000, enforce: true" : ""));
    return setup;
  }

  /** Changes something; says what. */
  private String change() {
    int n = random.nextInt(ACCOUNTS);
    Extra extra = extras.get(n);
    return switch (random.nextInt(12)) {
      case 0, 1 -> {
        extra.there = !extra.there;
        yield "key extra-" + n + (extra.there ? " added" : " removed");
      }
      case 2, 3 -> {
        extra.there = true;
        extra.secret = (extra.secret + 1) % SECRETS;
        yield "key extra-" + n + " re-keyed";
      }
      case 4 -> {
        extra.there = true;
        extra.account = random.nextInt(ACCOUNTS);
        yield "key extra-" + n + " moved";
      }
      case 5 -> {
        extra.weight = 1 + random.nextInt(9);
        yield "weight of extra-" + n;
      }
      case 6 -> {
        second = !second;
        yield second ? "a provider added" : "a provider removed";
      }
      case 7 -> {
        tight = tight == TIGHT_LIMIT ? TIGHT_LIMIT / 4 : tight * 2;
        yield "limit " + tight;
      }
      case 8 -> {
        rotation++;
        yield "a client's key rotated";
      }
      case 9 -> {
        clientLimits = !clientLimits;
        yield clientLimits ? "a client limited" : "a client's limits gone";
      }
      case 10 -> {
        strategy = random.nextInt(4);
        enforce = random.nextBoolean();
        yield "pooling";
      }
      default -> {
        routing = random.nextInt(3);
        mapping = random.nextInt(3);
        yield "routing and mapping";
      }
    };
  }

  @Test
  void changes_under_load_lose_nothing() throws Exception {
    for (int n = 0; n < ACCOUNTS; n++) {
      extras.add(new Extra());
    }
    try (ProviderSimulator provider = simulator();
        Replicas replicas = setup(provider.url().toString()).start(REPLICAS)) {
      changeAll(-1, provider, replicas); // a cold JVM takes its time for the first
      List<Thread> callers = new ArrayList<>();
      for (int n = 0; n < CALLERS * REPLICAS; n++) {
        int caller = n;
        callers.add(Thread.ofVirtual().start(() -> call(caller, replicas.port(caller % REPLICAS))));
      }
      long slowest = 0;
      for (int n = 0; n < CHANGES; n++) {
        slowest = Math.max(slowest, changeAll(n, provider, replicas));
      }
      second = true; // all pools and accounts are in the last config
      changeAll(CHANGES, provider, replicas);
      stopped.set(true);
      for (Thread caller : callers) {
        caller.join();
      }
      compare(provider, replicas);
      System.out.printf(
          "%d changes, %d answers, %d refused for the tight limit, slowest change %d ms%n",
          CHANGES, answered.get(), refused.get(), slowest);
    }
  }

  /** Milliseconds until the change held everywhere. */
  private long changeAll(int n, ProviderSimulator provider, Replicas replicas) throws Exception {
    String what = n == CHANGES ? "the last" : change();
    Setup next = setup(provider.url().toString());
    boolean byItself = n % 10 == 9; // the others are told, which takes less time
    List<Integer> order = new ArrayList<>(List.of(0, 1, 2));
    Collections.shuffle(order, random);
    long slowest = 0;
    for (int replica : order) {
      replicas.write(replica, next);
      if (!byItself) {
        long asked = System.nanoTime();
        Answer answer = replicas.reload(replica);
        slowest = Math.max(slowest, System.nanoTime() - asked);
        assertEquals(200, answer.status(), () -> what + ": " + answer);
      }
    }
    if (byItself) {
      String own = hash(replicas, 0);
      long written = System.nanoTime();
      Answer told = replicas.reload(0);
      String hash = told.json().path("hash").asText();
      Await.until(
          what + " holds everywhere (was " + own + ")",
          Duration.ofSeconds(5),
          () -> hash.equals(hash(replicas, 1)) && hash.equals(hash(replicas, 2)));
      slowest = System.nanoTime() - written;
    }
    long took = TimeUnit.NANOSECONDS.toMillis(slowest);
    Set<String> hashes = new HashSet<>();
    for (int replica = 0; replica < REPLICAS; replica++) {
      hashes.add(hash(replicas, replica));
    }
    assertEquals(1, hashes.size(), what + ": " + hashes);
    assertTrue(n < 0 || took < 5_000, what + " took " + took + " ms");
    assertEquals(List.of(), List.copyOf(failures), () -> "after " + what + ", seed " + SEED);
    shown = rotation;
    return took;
  }

  private static String hash(Replicas replicas, int n) throws IOException {
    return replicas.admin(n, "/pools").json().path("config").path("hash").asText();
  }

  /** One caller: a request or a stream after the other. */
  private void call(int caller, int port) {
    Random own = new Random(SEED + caller);
    try {
      while (!stopped.get()) {
        boolean tightOne = own.nextInt(4) == 0;
        boolean stream = own.nextBoolean();
        String model = tightOne ? "tight" : "steady";
        Ask ask =
            (stream ? Ask.stream(Dialect.ANTHROPIC, model) : Ask.of(Dialect.ANTHROPIC, model))
                .header("x-sim-event-interval-ms: " + own.nextInt(120))
                .header("x-sim-latency-ms: " + own.nextInt(20, 60))
                .header("x-sim-output-tokens: " + own.nextInt(1, 40));
        if (own.nextInt(3) == 0) {
          ask.credential("x-api-key: team-" + (shown + 2)); // for the next two rotations, too
        }
        Answer answer = RawClient.ask(port, ask);
        if (tightOne && answer.status() == 429) {
          refused.incrementAndGet();
          Await.moment(System.nanoTime() + 20_000_000);
        } else if (answer.status() != 200
            || !answer.whole()
            || (stream && !answer.text().contains("message_stop"))) {
          failures.add(answer.toString());
        } else {
          answered.incrementAndGet();
        }
      }
    } catch (IOException | RuntimeException e) {
      failures.add(e.toString());
    }
  }

  private void compare(ProviderSimulator provider, Replicas replicas) throws Exception {
    ProviderSimulator.Stats stats = provider.stats();
    assertEquals(0, stats.unauthorized());
    assertEquals(0, stats.refused(), "429s of the provider");
    assertEquals(0, stats.abortedAnswers());
    AccountStats charged =
        stats.accounts().stream()
            .filter(account -> account.account().equals("unlimited"))
            .findFirst()
            .orElseThrow();
    String wanted =
        "%d requests, %d input, %d output, 0 in flight"
            .formatted(charged.admitted(), charged.inputTokens(), charged.outputTokens());
    for (int replica = 0; replica < REPLICAS; replica++) {
      int at = replica;
      try {
        Await.until("all is settled", () -> wanted.equals(used(replicas, at)));
      } catch (AssertionError e) {
        throw new AssertionError(
            "the provider has %s, Redis %s; seed %d".formatted(wanted, used(replicas, at), SEED),
            e);
      }
    }
  }

  private static String used(Replicas replicas, int replica) throws IOException {
    long requests = 0;
    long input = 0;
    long output = 0;
    long inFlight = 0;
    for (JsonNode pool : replicas.admin(replica, "/pools").json().path("pools")) {
      if (!pool.path("name").asText().equals("tight")) {
        for (JsonNode group : pool.path("groups")) {
          requests += group.path("used").path("rpm").asLong();
          input += group.path("used").path("itpm").asLong();
          output += group.path("used").path("otpm").asLong();
          inFlight += group.path("in_flight").asLong();
        }
      }
    }
    return "%d requests, %d input, %d output, %d in flight"
        .formatted(requests, input, output, inFlight);
  }
}
