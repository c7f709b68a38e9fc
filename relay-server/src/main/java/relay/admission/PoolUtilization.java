package relay.admission;

import java.util.List;
import org.jspecify.annotations.Nullable;
import relay.redis.model.Dimension;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.PoolSnapshot.GroupState;

/** The used share of a pool's capacity for a model class, by its last snapshot. */
final class PoolUtilization {
  private PoolUtilization() {}

  /**
   * The share of the most used dimension, over all quota groups of the class; 0 without known
   * limits. A group in cooldown counts as full.
   */
  static double of(@Nullable PoolSnapshot pool, String modelClass) {
    if (pool == null) {
      return 0;
    }
    List<GroupState> groups =
        pool.groups().stream().filter(group -> group.modelClass().equals(modelClass)).toList();
    double most = 0;
    for (Dimension dimension : Dimension.values()) {
      double used = 0;
      double limit = 0;
      for (GroupState group : groups) {
        long whole = group.limits().of(dimension);
        limit += whole;
        used += group.cooldown().isZero() ? Math.min(group.used().of(dimension), whole) : whole;
      }
      most = limit > 0 ? Math.max(most, used / limit) : most;
    }
    return most;
  }
}
