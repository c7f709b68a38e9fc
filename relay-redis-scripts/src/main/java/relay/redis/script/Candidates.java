package relay.redis.script;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import relay.redis.model.Demand;
import relay.redis.model.KeyPlan;
import relay.redis.model.PoolPlan;

/**
 * The keys that a request may use, in the scripts' format. A call names all keys of a pool of up to
 * {@value #MAX_LISTED} keys, so every strategy is exact. A larger pool has an index in Redis, by
 * model class and priority, and the script compares a few keys of it.
 */
public final class Candidates {
  private static final int MAX_LISTED = 16;
  private static final int SAMPLE = 64;
  private static final int FEW = 4; // a group of more keys is large: the index has one row for it
  private static final String OTHERS = "default";

  private final PoolPlan plan;
  private final RedisKeys names;
  private final Map<String, List<Candidate>> byClass = new HashMap<>();
  private final Map<String, Candidate> named = new HashMap<>(); // by class and key
  private final Map<String, byte[]> lines = new HashMap<>(); // by class; by key if demands name it
  private final BudgetLines budgets;
  private final List<byte[]> readySets = new ArrayList<>();
  private final int tiers;
  private final long planId;
  private final boolean isShadow;
  private volatile List<byte[]> allSets = readySets; // and those of other replicas' plans

  /**
   * A key in a model class.
   *
   * @param set number of its ready set, from 1 over all classes
   * @param isLarge whether its group has many keys
   */
  public record Candidate(KeyPlan key, String group, int set, boolean isLarge) {
    String row() {
      return key.id() + " " + group;
    }

    /** The name in a call: braces, which no name has, stand for shadow mode. */
    String text() {
      return key.id() + (key.enforce() ? " " : "{} ") + group;
    }
  }

  public Candidates(PoolPlan plan, RedisKeys names) {
    this.plan = plan;
    this.names = names;
    List<KeyTier> sorted =
        List.copyOf(
            plan.keys().stream()
                .map(k -> KeyTier.of(plan, k))
                .collect(Collectors.toCollection(TreeSet::new)));
    tiers = sorted.size();
    planId = PlanDigests.number(plan);
    budgets = BudgetLines.of(plan);
    isShadow = plan.keys().stream().noneMatch(KeyPlan::enforce);
    String shape = PlanDigests.shape(plan);
    Map<String, Long> sizes =
        plan.keys().stream()
            .collect(Collectors.groupingBy(KeyPlan::account, Collectors.counting()));
    for (String modelClass : plan.modelClasses()) {
      List<Candidate> all =
          plan.keys().stream()
              .sorted((a, b) -> Integer.compare(b.priority(), a.priority()))
              .map(
                  k ->
                      new Candidate(
                          k,
                          PoolPlan.group(k.account(), modelClass),
                          firstSet(modelClass)
                              + Collections.binarySearch(sorted, KeyTier.of(plan, k)),
                          sizes.getOrDefault(k.account(), 0L) > FEW))
              .toList();
      byClass.put(modelClass, all);
      all.forEach(c -> named.put(modelClass + " " + c.key().id(), c));
      if (isNamed()) {
        all.forEach(c -> lines.put(modelClass + " " + c.key().id(), line("", List.of(c))));
      } else {
        lines.put(modelClass, line("", all));
      }
      for (String kind : plan.kinds()) {
        if (PoolPlan.ownerOf(kind).equals(modelClass)) {
          lines.put(kind, line(kind.substring(modelClass.length()), all));
        }
      }
      if (isIndexed()) {
        sorted.forEach(tier -> readySets.add(names.ready(shape, modelClass, tier.text())));
      }
    }
  }

  public PoolPlan plan() {
    return plan;
  }

  /** The number of a model class's first ready set. The sets of a class are adjacent. */
  private int firstSet(String modelClass) {
    return 1 + plan.modelClasses().indexOf(modelClass) * tiers;
  }

  public long planId() {
    return planId;
  }

  /** Whether Redis keeps an index of the pool, because it is large. */
  public boolean isIndexed() {
    return plan.keys().size() > MAX_LISTED && !isNamed();
  }

  /** Whether each demand names its key. */
  public boolean isNamed() {
    return plan.named();
  }

  /**
   * The demand as this plan can serve it: a class that a change of the plan took away is served by
   * the class {@value #OTHERS}, or the first. Null if it asks for a key that the plan does not
   * have.
   */
  @Nullable
  public Demand served(Demand demand) {
    Demand served = byClass.containsKey(demand.modelClass()) ? demand : demand.in(othersClass());
    boolean known =
        served.key().isEmpty() || named.containsKey(served.modelClass() + " " + served.key());
    return known ? served : null;
  }

  private String othersClass() {
    List<String> all = plan.modelClasses();
    return all.contains(OTHERS) ? OTHERS : all.getFirst();
  }

  /** The hash of what is spent of them. */
  public byte[] budgetsKey() {
    return names.budgets;
  }

  /** The keys' budgets. */
  public BudgetLines budgets() {
    return budgets;
  }

  /** Each key and its group, highest priority first, in one line. */
  public byte[] lineOf(Demand demand) {
    if (isNamed()) {
      return known(lines.get(demand.modelClass() + " " + demand.key()), demand);
    }
    String kind = kindOf(demand);
    if (demand.avoid().isEmpty() && demand.key().isEmpty()) {
      return known(lines.get(kind.isEmpty() ? demand.modelClass() : demand.alike()), demand);
    }
    return line(kind, of(demand));
  }

  /** A demand's kind as a call names it: {@code +kind}; empty if it has none here. */
  public String kindOf(Demand demand) {
    return !demand.kind().isEmpty() && plan.kinds().contains(demand.alike())
        ? PoolPlan.subQuota("", demand.kind())
        : "";
  }

  /** Each key and its group as a pair of hash fields, highest priority first. */
  public byte[][] fieldsOf(Demand demand) {
    return fields(of(demand));
  }

  private List<Candidate> of(Demand demand) {
    List<Candidate> all = known(byClass.get(demand.modelClass()), demand);
    if (!demand.key().isEmpty()) {
      return List.of(known(named.get(demand.modelClass() + " " + demand.key()), demand));
    }
    List<Candidate> others =
        all.stream().filter(c -> !demand.avoid().contains(c.key().id())).toList();
    return others.isEmpty() ? all : others;
  }

  /**
   * Appends {@code first sets shadow}: the number of a model class's first ready set, their count,
   * and whether all keys are in shadow mode.
   */
  public void appendReadySets(String modelClass, StringBuilder line) {
    line.append(' ').append(firstSet(modelClass)).append(' ').append(tiers);
    line.append(isShadow ? " 1" : " 0");
  }

  /** All ready sets, in the order of their numbers: highest priority first; none if no index. */
  public List<byte[]> readySets() {
    return readySets;
  }

  /** The candidates of this plan, and then those of other replicas' plans. */
  public List<byte[]> allSets() {
    return allSets;
  }

  /** Whether other plans have ready sets. */
  boolean hasOthers() {
    return allSets.size() > readySets.size();
  }

  /** Names of ready sets of all plans that replicas have. */
  void all(Collection<String> names) {
    Set<String> own = new HashSet<>();
    readySets.forEach(set -> own.add(RedisKeys.text(set)));
    List<byte[]> sets = new ArrayList<>(readySets);
    names.stream().filter(name -> !own.contains(name)).forEach(n -> sets.add(RedisKeys.bytes(n)));
    allSets = sets;
  }

  /** Whether the limits of the key that is asked for, or of all keys, are not enforced. */
  boolean isShadow(Demand demand) {
    Candidate one = named.get(demand.modelClass() + " " + demand.key());
    return one == null ? isShadow : !one.key().enforce();
  }

  /**
   * The fields of a key's account in the state: its keys and groups; none for an unknown key. The
   * set is the caller's.
   */
  Set<String> fieldsOfAccount(String key) {
    Set<String> fields = new LinkedHashSet<>();
    Set<String> accounts = new HashSet<>();
    plan.keys().stream().filter(k -> k.id().equals(key)).forEach(k -> accounts.add(k.account()));
    plan.keys().stream()
        .filter(k -> accounts.contains(k.account()))
        .forEach(k -> fields.add("k:" + k.id()));
    for (String account : accounts) {
      plan.allClasses().forEach(c -> fields.add("g:" + PoolPlan.group(account, c)));
    }
    return fields;
  }

  /** The index rows of the keys to avoid. */
  public List<String> avoided(Demand demand) {
    return demand.avoid().stream()
        .map(key -> named.get(demand.modelClass() + " " + key))
        .filter(Objects::nonNull)
        .map(Candidate::row)
        .toList();
  }

  /** The index rows of these keys; none without an index. */
  public List<Candidate> rowsOf(List<KeyPlan> keys) {
    if (!isIndexed()) {
      return List.of();
    }
    var wanted = new HashSet<>(keys);
    return plan.modelClasses().stream()
        .flatMap(c -> known(byClass.get(c), Demand.of(c, 0, 0)).stream())
        .filter(c -> wanted.contains(c.key()))
        .toList();
  }

  /** The Redis key of a conversation's account. */
  public byte[] session(String modelClass, String session) {
    return names.session(modelClass, session);
  }

  /**
   * Batches of candidates to pick from. A large pool has several, from a random start within each
   * priority.
   */
  public List<byte[][]> samples(Demand demand) {
    List<byte[][]> parts = new ArrayList<>();
    if (!isIndexed()) {
      parts.add(fieldsOf(demand));
      return parts;
    }
    List<Candidate> all = known(byClass.get(demand.modelClass()), demand);
    List<Candidate> others =
        rotated(all.stream().filter(c -> !demand.avoid().contains(c.key().id())).toList());
    for (int from = 0; from < others.size(); from += SAMPLE) {
      parts.add(fields(others.subList(from, Math.min(others.size(), from + SAMPLE))));
    }
    return parts;
  }

  private static List<Candidate> rotated(List<Candidate> all) {
    List<Candidate> out = new ArrayList<>(all.size());
    for (int from = 0; from < all.size(); ) {
      int to = from;
      while (to < all.size() && all.get(to).key().priority() == all.get(from).key().priority()) {
        to++;
      }
      int start = from + ThreadLocalRandom.current().nextInt(to - from);
      out.addAll(all.subList(start, to));
      out.addAll(all.subList(from, start));
      from = to;
    }
    return out;
  }

  private static byte[] line(String kind, List<Candidate> some) {
    String all = some.stream().map(Candidate::text).collect(Collectors.joining(" "));
    return RedisKeys.bytes(kind.isEmpty() ? all : all + " " + kind);
  }

  private static byte[][] fields(List<Candidate> some) {
    byte[][] fields = new byte[2 * some.size()][];
    for (int n = 0; n < some.size(); n++) {
      fields[2 * n] = RedisKeys.bytes("k:" + some.get(n).key().id());
      fields[2 * n + 1] = RedisKeys.bytes("g:" + some.get(n).group());
    }
    return fields;
  }

  private static <T> T known(@Nullable T of, Demand demand) {
    if (of == null) {
      throw new IllegalArgumentException(
          "no such model class or key: " + demand.modelClass() + " " + demand.key());
    }
    return of;
  }
}
