package relay.redis.walk;

import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import relay.redis.model.Days;
import relay.redis.model.PoolPlan;

/** The limits a day of a pool, in the model. */
final class DaysModel {
  private final Map<String, DayModel> byGroup = new HashMap<>();
  private @Nullable DayRule rule;

  void flushAll() {
    byGroup.clear();
    rule = null;
  }

  /**
   * A plan without such limits has them not counted; what was used stays.
   *
   * @param at Redis's clock
   */
  void configure(PoolPlan plan, Instant at, long now, Collection<GroupModel> groups) {
    boolean none = plan.days().limits().isEmpty();
    if (!none) {
      adopt(DayRule.of(plan.days(), at), plan, now);
    }
    groups.forEach(group -> group.day = none ? null : byGroup.get(group.id));
  }

  private void adopt(DayRule next, PoolPlan plan, long now) {
    if (rule == null || !rule.text().equals(next.text())) {
      byGroup.values().forEach(day -> day.adopt(next, now));
      rule = next;
    }
    for (String id : plan.groups()) {
      Days.Count wanted = plan.days().of(id);
      if (!wanted.equals(Days.Count.NONE)) {
        byGroup.computeIfAbsent(id, group -> new DayModel(next));
      }
      DayModel day = byGroup.get(id);
      if (day != null) {
        day.limits[0] = wanted.requests();
        day.limits[1] = wanted.tokens();
      }
    }
  }
}
