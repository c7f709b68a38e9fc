package relay.redis;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import relay.redis.model.Accounting;
import relay.redis.model.Budget;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.model.Share;
import relay.redis.model.Strategy;
import relay.redis.model.Usage;

/**
 * A measured workload.
 *
 * @param keys keys of the pool
 * @param together whether they are in one account; else each has its own
 * @param dimensions the number of limited dimensions, from 1 (requests) to 4
 * @param batch requests per call
 * @param streamed whether output of unknown length is made over time, and reported once
 * @param share what a call says of the share of each request's client; empty if clients have none
 * @param budgets of each key, in a pool whose requests name their key; {@link #UNNAMED} in others
 */
public record Workload(
    int keys,
    boolean together,
    int dimensions,
    int batch,
    Strategy strategy,
    Standing standing,
    boolean streamed,
    String share,
    int budgets) {
  static final String CLASS = "model";
  static final long INPUT = 1_000;
  static final long OUTPUT = 200;

  /** Requests do not name their key. */
  private static final int UNNAMED = -1;

  private static final List<Budget> BUDGETS =
      List.of(
          new Budget(Budget.Unit.USD, Budget.Per.MONTH, false, Budget.MOST),
          new Budget(Budget.Unit.TOKENS, Budget.Per.DAY, true, Budget.MOST));

  /** A limit that the measurement never reaches. */
  private static final long PLENTY = 1_000_000_000;

  private static final long SCARCE = 1_000_000;

  /** Requests a minute that all keys of a pool have together which is short. */
  private static final int SHORT = 300;

  /** Clients that ask such a pool by turns. */
  private static final int CLIENTS = 100;

  /** Microseconds between two requests. */
  static final int STEP = 100;

  private static final int STEP_OF_CLIENTS = 1_000;
  private static final int MARK = 0x7aa7_11e5;
  private static final int STEP_IF_SHORT = 20_000;

  /** One request per call, all dimensions, least loaded, all keys free. */
  static Workload of(int keys) {
    return new Workload(
        keys, false, 4, 1, Strategy.LEAST_LOADED, Standing.FREE, false, "", UNNAMED);
  }

  Workload inOneAccount() {
    return new Workload(
        keys, true, dimensions, batch, strategy, standing, streamed, share, budgets);
  }

  /** A pool that is short. If its keys are together, each is a part of the account. */
  Workload isShort() {
    return standing(Standing.SHORT);
  }

  /** Microseconds between two requests in simulated time. */
  int stepMicros() {
    if (standing == Standing.SHORT) {
      return STEP_IF_SHORT;
    }
    return isNamed() ? STEP_OF_CLIENTS : STEP;
  }

  /** What a call says of the share of a request's client. */
  String shareOf(String id) {
    if (standing != Standing.SHORT) {
      return share;
    }
    int client = Math.floorMod(id.hashCode(), CLIENTS);
    StringBuilder line = new StringBuilder();
    new Share("team" + client, 2, 1 + client % 5, 0, 0).marked(id.hashCode()).appendTo(line);
    return line.toString();
  }

  Workload batch(int requests) {
    return new Workload(
        keys, together, dimensions, requests, strategy, standing, streamed, share, budgets);
  }

  Workload dimensions(int limited) {
    return new Workload(
        keys, together, limited, batch, strategy, standing, streamed, share, budgets);
  }

  Workload strategy(Strategy chosen) {
    return new Workload(
        keys, together, dimensions, batch, chosen, standing, streamed, share, budgets);
  }

  Workload standing(Standing how) {
    return new Workload(keys, together, dimensions, batch, strategy, how, streamed, share, budgets);
  }

  Workload inStreams() {
    return new Workload(
        keys, together, dimensions, batch, strategy, standing, true, share, budgets);
  }

  Workload sharedBy(Share whose) {
    StringBuilder line = new StringBuilder();
    whose.marked(MARK).appendOnly(line);
    return new Workload(
        keys, together, dimensions, batch, strategy, standing, streamed, line.toString(), budgets);
  }

  /** A pool with the limits of clients: a request names its client. Each has this many budgets. */
  Workload ofClients(int withBudgets) {
    return new Workload(
        keys, together, dimensions, batch, strategy, standing, streamed, share, withBudgets);
  }

  boolean isNamed() {
    return budgets != UNNAMED;
  }

  PoolPlan plan(String name) {
    List<KeyPlan> all = new ArrayList<>();
    Map<String, Limits> limits = new HashMap<>();
    if (standing == Standing.SHORT) {
      return shortPlan(name);
    }
    for (int n = 0; n < keys; n++) {
      all.add(key("key" + n, "account" + (together ? 0 : n)));
      long most = standing.carries(n) ? PLENTY : SCARCE;
      limits.put(
          group(together ? 0 : n),
          new Limits(
              most,
              dimensions > 1 ? 1_000 * most : 0,
              dimensions > 2 ? 1_000 * most : 0,
              dimensions > 3 ? 1_000 * most : 0));
    }
    return plan(name, all, limits);
  }

  private PoolPlan shortPlan(String name) {
    List<KeyPlan> all = new ArrayList<>();
    Map<String, Limits> limits = new HashMap<>();
    for (int n = 0; n < keys; n++) {
      String account = together ? "account/part" + n : "account" + n;
      all.add(key("key" + n, account));
      long most = together ? SHORT / 2 : SHORT / keys;
      limits.put(PoolPlan.group(account, CLASS), new Limits(most, 0, 0, 0));
    }
    if (together) {
      limits.put(PoolPlan.group("account", CLASS), new Limits(SHORT, 0, 0, 0));
    }
    return plan(name, all, limits);
  }

  private PoolPlan plan(String name, List<KeyPlan> all, Map<String, Limits> limits) {
    return new PoolPlan(
        name,
        Duration.ofMinutes(1),
        strategy,
        Accounting.SLIDING_WINDOW,
        1,
        List.of(CLASS),
        all,
        limits,
        isNamed());
  }

  private KeyPlan key(String id, String account) {
    List<Budget> own = BUDGETS.subList(0, Math.max(0, budgets));
    return new KeyPlan(id, account, 0, 1, 0, true, own);
  }

  static String group(int place) {
    return PoolPlan.group("account" + place, CLASS);
  }

  /** More requests than any limit. */
  static Usage all() {
    return new Usage(2 * PLENTY, 0, 0);
  }

  /** The usage of an exhausted key: an hour's requests. */
  static Usage used() {
    return new Usage(60 * SCARCE, 0, 0);
  }
}
