package relay.redis.walk;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import relay.redis.model.KeyPlan;
import relay.redis.walk.PoolModel.Wait;

/** The survey, in the model. */
final class SurveyModel {
  private final Map<String, Long> replicas = new HashMap<>();

  void flushAll() {
    replicas.clear();
  }

  List<Object> survey(
      PoolModel pool, long now, String replica, List<String> groupIds, List<KeyPlan> plans) {
    if (!replica.isEmpty()) {
      replicas.put(replica, now);
    }
    long alive = alive(now);
    List<Object> reply = new ArrayList<>();
    reply.addAll(List.of(1L, now, pool.epoch(), alive));
    reply.addAll(List.of(pool.live(), pool.expired(), 0L));
    reply.add(
        List.of(
            0L,
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            Step.Any.ANYTHING)); // of no replica's plan
    for (String id : groupIds) {
      GroupModel g = pool.groups.get(id);
      reply.add(g == null ? List.of() : row(pool, g, now));
    }
    for (KeyPlan plan : plans) {
      KeyModel k = pool.keys.get(plan.id());
      reply.add(
          k == null
              ? List.of()
              : List.of(
                  pool.inFlightOfKey(plan.id()),
                  Math.max(rest(pool, plan.account(), groupIds, now), k.cooldownEnd - now),
                  k.quarantine == null ? "" : k.quarantine,
                  (long) k.maxConcurrent,
                  (long) k.priority,
                  (long) k.weight));
    }
    return reply;
  }

  long alive(long now) {
    return replicas.values().stream().filter(at -> at >= now - 3_000_000).count();
  }

  /** The remaining cooldown of an account: the least of its requested groups'. */
  private static long rest(PoolModel pool, String account, List<String> groupIds, long now) {
    return groupIds.stream()
        .filter(id -> id.substring(0, id.lastIndexOf('/')).equals(account))
        .map(pool.groups::get)
        .filter(Objects::nonNull)
        .mapToLong(group -> Math.max(0, group.cooldownEnd - now))
        .min()
        .orElse(0);
  }

  private static List<Object> row(PoolModel pool, GroupModel g, long now) {
    long slot = pool.shape().slotOf(now);
    long opens = Math.max(now, g.cooldownEnd);
    double fuzz = 2;
    // One token of each kind, or of one kind where the limit is 1.
    long output = g.limits[3] == 1 ? 0 : 1;
    for (int d = 0; d < 4; d++) {
      long cost = GroupModel.cost(d, 1, 1, output);
      long later = GroupModel.later(d, output);
      opens = Math.max(opens, g.opens(d, cost, later, now, pool.shape()));
      fuzz = Math.max(fuzz, 2 + g.fuzz(d, pool.shape()));
    }
    for (int kind = 0; kind < 2 && g.day != null; kind++) {
      opens = Math.max(opens, g.day.opens(kind, 1, now));
    }
    List<Object> row = new ArrayList<>();
    row.addAll(
        List.of(g.used(0, slot), g.used(1, slot), g.used(2, slot), pool.inFlightOfGroup(g.id)));
    row.add(Math.max(0, g.cooldownEnd - now));
    row.add(new Wait(Math.min(PoolModel.FOREVER, opens - now), fuzz, List.of()));
    for (long limit : g.limits) {
      row.add(limit);
    }
    for (long limit : pool.learned(g.id)) {
      row.add(limit);
    }
    row.add((long) Math.floor(1000 * g.shrunkAt(now)));
    row.add((long) g.coming);
    row.add(pool.shape().bucket() ? 1L : 0L);
    row.add(Step.Any.ANYTHING); // why, for people
    if (g.day != null) {
      row.addAll(List.of(g.day.limits[0], g.day.limits[1], g.day.used(0, now), g.day.used(1, now)));
    }
    return row;
  }
}
