package relay.redis.script;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import relay.redis.model.Budget;
import relay.redis.model.KeyPlan;
import relay.redis.model.PoolPlan;

/** The budgets of a plan's keys, also as the scripts read them. */
public final class BudgetLines {
  private final Map<String, List<Budget>> byKey = new HashMap<>();
  private final List<String> keys = new ArrayList<>();
  private final Map<String, byte[]> lines = new HashMap<>(); // by key

  public static BudgetLines of(PoolPlan plan) {
    BudgetLines all = new BudgetLines();
    for (KeyPlan key : plan.keys()) {
      if (!key.budgets().isEmpty()) {
        StringBuilder text = new StringBuilder(key.id());
        for (Budget b : key.budgets()) {
          text.append(' ').append(b.label()).append('=').append(b.limit());
          text.append(b.hard() && key.enforce() ? "!" : "");
        }
        all.byKey.put(key.id(), key.budgets());
        all.keys.add(key.id());
        all.lines.put(key.id(), RedisKeys.bytes(text.toString()));
      }
    }
    return all;
  }

  /** Ids of the keys that have budgets. */
  public List<String> keys() {
    return Collections.unmodifiableList(keys);
  }

  /** Whether no key has a budget. */
  public boolean isEmpty() {
    return byKey.isEmpty();
  }

  public List<Budget> of(String key) {
    return byKey.getOrDefault(key, List.of());
  }

  public byte[] line(String key) {
    return lines.getOrDefault(key, ScriptCaller.NONE);
  }
}
