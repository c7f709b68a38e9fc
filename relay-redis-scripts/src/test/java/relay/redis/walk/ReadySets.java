package relay.redis.walk;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import relay.redis.model.KeyPlan;
import relay.redis.model.PoolPlan;
import relay.redis.model.Strategy;

/**
 * The ready sets of an indexed pool in a {@link Walk}.
 *
 * @param version of the plan: each has sets of its own
 */
record ReadySets(PoolPlan plan, int version) {
  /** Names of all, per class by priority, highest first; spares come last. */
  List<String> all(List<String> classes) {
    return classes.stream().flatMap(c -> of(c).stream()).toList();
  }

  List<String> of(String modelClass) {
    return plan.keys().stream()
        .map(this::tier)
        .distinct()
        .sorted(Comparator.reverseOrder())
        .map(tier -> name(modelClass, tier))
        .toList();
  }

  /** The candidates, as {@link Step.Configure} has them. */
  List<Object> rows(List<String> classes) {
    List<Object> rows = new ArrayList<>();
    List<String> sets = all(classes);
    for (String modelClass : classes) {
      for (KeyPlan key : plan.keys()) {
        rows.add(1 + sets.indexOf(name(modelClass, tier(key))));
        rows.addAll(List.of(key.id(), PoolPlan.group(key.account(), modelClass)));
        rows.add((key.account() + version).hashCode() & 1); // some groups are large
      }
    }
    return rows;
  }

  private double tier(KeyPlan key) {
    boolean spare = plan.strategy() == Strategy.WEIGHTED && key.weight() == 0;
    return spare ? key.priority() - 0.5 : key.priority();
  }

  private String name(String modelClass, double tier) {
    return "ready:" + version + ":" + modelClass + ":" + tier;
  }
}
