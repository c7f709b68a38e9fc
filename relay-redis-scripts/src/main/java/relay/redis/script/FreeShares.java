package relay.redis.script;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import relay.redis.model.Dimension;
import relay.redis.model.KeyPlan;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.PoolSnapshot.GroupState;
import relay.redis.model.PoolSnapshot.KeyState;

/**
 * How much of each model class is free, for schedulers to read: of its fullest limit, over the
 * accounts that have a usable key.
 */
final class FreeShares {
  private FreeShares() {}

  /** The form that {@code survey} reads: {@code {class}share} of each class. */
  static String text(PoolPlan plan, PoolSnapshot state) {
    Set<String> keys = // of this plan; keys that drain serve no new request
        plan.keys().stream().map(KeyPlan::id).collect(Collectors.toSet());
    List<KeyState> usable =
        state.keys().stream()
            .filter(k -> keys.contains(k.id()) && !k.draining())
            .filter(k -> k.quarantine() == null && k.cooldown().isZero())
            .toList();
    Map<String, GroupState> groups = new HashMap<>();
    state.groups().forEach(group -> groups.put(group.id(), group));
    StringBuilder text = new StringBuilder();
    for (String modelClass : plan.modelClasses()) {
      double share = share(modelClass, usable, groups);
      text.append('{').append(modelClass).append(String.format(Locale.ROOT, "}%.3f", share));
    }
    return text.toString();
  }

  private static double share(
      String modelClass, List<KeyState> usable, Map<String, GroupState> groups) {
    Set<GroupState> some =
        usable.stream()
            .map(key -> groups.get(PoolPlan.group(key.account(), modelClass)))
            .filter(group -> group != null && group.cooldown().isZero())
            .collect(Collectors.toSet());
    if (some.isEmpty()) {
      return 0;
    }
    double full = ofSlots(usable);
    for (Dimension d : Dimension.values()) {
      full = Math.max(full, fullest(d, some));
    }
    return 1 - full;
  }

  /** The used part of all limits together; empty if one group has no such limit. */
  private static double fullest(Dimension d, Set<GroupState> groups) {
    double used = 0;
    double limit = 0;
    for (GroupState group : groups) {
      long most = group.limits().of(d);
      if (most == 0) {
        return 0;
      }
      boolean hasOutput = d == Dimension.OUTPUT_TOKENS || d == Dimension.TOTAL_TOKENS;
      long all = group.used().of(d) + (hasOutput ? group.reservedOutput() : 0);
      used += Math.min(all, most);
      limit += most;
    }
    return used / limit;
  }

  private static double ofSlots(List<KeyState> keys) {
    double used = 0;
    double limit = 0;
    for (KeyState key : keys) {
      if (key.maxConcurrent() == 0) {
        return 0;
      }
      used += Math.min(key.inFlight(), key.maxConcurrent());
      limit += key.maxConcurrent();
    }
    return used / limit;
  }
}
