package relay.redis;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The budgets of a plan's keys, also as the scripts read them. */
final class BudgetLines {
  private final Map<String, List<Budget>> byKey = new LinkedHashMap<>();
  private final Map<String, byte[]> lines = new HashMap<>(); // by key

  static BudgetLines of(PoolPlan plan) {
    BudgetLines all = new BudgetLines();
    for (KeyPlan key : plan.keys()) {
      if (!key.budgets().isEmpty()) {
        StringBuilder text = new StringBuilder(key.id());
        key.budgets()
            .forEach(b -> text.append(' ').append(b.label()).append('=').append(b.limit()));
        all.byKey.put(key.id(), key.budgets());
        all.lines.put(key.id(), RedisKeys.bytes(text.toString()));
      }
    }
    return all;
  }

  /** Ids of the keys that have budgets. */
  List<String> keys() {
    return List.copyOf(byKey.keySet());
  }

  /** Whether no key has a budget. */
  boolean isEmpty() {
    return byKey.isEmpty();
  }

  List<Budget> of(String key) {
    return byKey.getOrDefault(key, List.of());
  }

  byte[] line(String key) {
    return lines.getOrDefault(key, ScriptCaller.NONE);
  }
}
