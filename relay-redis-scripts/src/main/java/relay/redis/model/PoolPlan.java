package relay.redis.model;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The shape of a pool: its keys and the limits of their quota groups.
 *
 * @param name the pool's name, which is its hash tag in Redis
 * @param window length of the limits' window, at least 240 ms
 * @param strategy how to choose a key
 * @param accounting how to enforce the limits
 * @param burstRatio in (0, 1]: share of a limit that an idle group may use at once
 * @param modelClasses classes of models; the models of a class share one quota in an account
 * @param keys the keys, at least one, with distinct ids
 * @param limits limits of quota groups by id, {@code account/class}; a group without an entry has
 *     none
 * @param named whether each demand names its key, as in a pool of limits with a key for each: then
 *     nothing is chosen
 * @param days the limits a day
 * @param kinds kinds of requests that accounts may refuse alone, {@code class+kind}: they count in
 *     their class, and only their cooldowns are their own
 */
public record PoolPlan(
    String name,
    Duration window,
    Strategy strategy,
    Accounting accounting,
    double burstRatio,
    List<String> modelClasses,
    List<KeyPlan> keys,
    Map<String, Limits> limits,
    boolean named,
    Days days,
    List<String> kinds) {

  /** A pool without kinds of requests. */
  public PoolPlan(
      String name,
      Duration window,
      Strategy strategy,
      Accounting accounting,
      double burstRatio,
      List<String> modelClasses,
      List<KeyPlan> keys,
      Map<String, Limits> limits,
      boolean named,
      Days days) {
    this(
        name,
        window,
        strategy,
        accounting,
        burstRatio,
        modelClasses,
        keys,
        limits,
        named,
        days,
        List.of());
  }

  /** A pool without limits a day. */
  public PoolPlan(
      String name,
      Duration window,
      Strategy strategy,
      Accounting accounting,
      double burstRatio,
      List<String> modelClasses,
      List<KeyPlan> keys,
      Map<String, Limits> limits,
      boolean named) {
    this(
        name,
        window,
        strategy,
        accounting,
        burstRatio,
        modelClasses,
        keys,
        limits,
        named,
        Days.NONE);
  }

  /** A pool that chooses among its keys. */
  public PoolPlan(
      String name,
      Duration window,
      Strategy strategy,
      Accounting accounting,
      double burstRatio,
      List<String> modelClasses,
      List<KeyPlan> keys,
      Map<String, Limits> limits) {
    this(name, window, strategy, accounting, burstRatio, modelClasses, keys, limits, false);
  }

  public PoolPlan {
    Names.check("pool", name);
    modelClasses = List.copyOf(modelClasses);
    keys = List.copyOf(keys);
    limits = Map.copyOf(limits);
    kinds = List.copyOf(kinds);
    if (window.toMillis() < 240) {
      throw new IllegalArgumentException("the window must be at least 240 ms: " + window);
    }
    if (!(burstRatio > 0 && burstRatio <= 1)) {
      throw new IllegalArgumentException("burstRatio must be above 0 and at most 1: " + burstRatio);
    }
    if (keys.isEmpty() || modelClasses.isEmpty()) {
      throw new IllegalArgumentException("pool " + name + " needs a key and a model class");
    }
    modelClasses.forEach(c -> Names.check("model class", c));
    Set<String> ids = new HashSet<>();
    for (KeyPlan key : keys) {
      if (!ids.add(key.id())) {
        throw new IllegalArgumentException("two keys of pool " + name + " have the id " + key.id());
      }
    }
  }

  /** The id of a quota group. */
  public static String group(String account, String modelClass) {
    return account + "/" + modelClass;
  }

  /** The class of a sub-quota or of a kind of requests. */
  public static String ownerOf(String subQuota) {
    return subQuota.substring(0, subQuota.lastIndexOf('+'));
  }

  /** The model class of requests that count against another quota than their class's own. */
  public static String subQuota(String modelClass, String quota) {
    return modelClass + "+" + quota;
  }

  /**
   * This plan, and sub-quotas of its model classes, with the same limits until others are known.
   *
   * @param openKinds kinds of requests of its classes; those of others are left out
   */
  public PoolPlan having(Collection<String> subQuotas, Collection<String> openKinds) {
    List<String> classes = new ArrayList<>(modelClasses);
    Map<String, Limits> all = new HashMap<>(limits);
    Map<String, Days.Count> daily = new HashMap<>(days.limits());
    for (String sub : subQuotas) {
      String owner = ownerOf(sub);
      if (classes.contains(owner) && !classes.contains(sub)) { // in order: an owner comes first
        classes.add(sub);
        for (String account : accounts()) {
          Limits limit = all.getOrDefault(group(account, owner), Limits.UNKNOWN);
          all.put(group(account, sub), limit);
          Days.Count ofDay = days.limits().get(group(account, owner));
          if (ofDay != null) {
            daily.put(group(account, sub), ofDay);
          }
        }
      }
    }
    return new PoolPlan(
        name,
        window,
        strategy,
        accounting,
        burstRatio,
        classes,
        keys,
        all,
        named,
        new Days(daily, days.starts(), days.zone()),
        openKinds.stream().filter(kind -> classes.contains(ownerOf(kind))).toList());
  }

  /** All quota groups, in the order of the keys; an account's are before those of its parts. */
  public List<String> groups() {
    return accounts().stream()
        .flatMap(account -> allClasses().stream().map(c -> group(account, c)))
        .toList();
  }

  /** The model classes, and the kinds of requests. */
  public List<String> allClasses() {
    if (kinds.isEmpty()) {
      return modelClasses;
    }
    List<String> all = new ArrayList<>(modelClasses);
    all.addAll(kinds);
    return all;
  }

  private Set<String> accounts() {
    return accountsOf(keys);
  }

  /** The accounts of keys, each once, before its parts. */
  public static Set<String> accountsOf(Collection<KeyPlan> keys) {
    Set<String> accounts = new LinkedHashSet<>();
    for (KeyPlan key : keys) {
      whole(key.account()).ifPresent(accounts::add);
      accounts.add(key.account());
    }
    return accounts;
  }

  /** The account whose part, such as a workspace, this one is: {@code organisation/part}. */
  public static Optional<String> whole(String account) {
    int slash = account.lastIndexOf('/');
    return slash < 0 ? Optional.empty() : Optional.of(account.substring(0, slash));
  }

  /** A group, and the one whose limits bind beside its own, if its account is a part of another. */
  public static List<String> levels(String group) {
    int slash = group.lastIndexOf('/');
    return whole(group.substring(0, slash))
        .map(account -> List.of(group, account + group.substring(slash)))
        .orElse(List.of(group));
  }

  /** Ids of the keys of an account. */
  public List<String> keysOf(String account) {
    return keys.stream().filter(k -> k.account().equals(account)).map(KeyPlan::id).toList();
  }

  /** The limits of a quota group. */
  public Limits limitsOf(String group) {
    return limits.getOrDefault(group, Limits.UNKNOWN);
  }
}
