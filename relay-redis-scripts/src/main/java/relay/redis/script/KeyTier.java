package relay.redis.script;

import relay.redis.model.KeyPlan;
import relay.redis.model.PoolPlan;
import relay.redis.model.Strategy;

/** Keys of one priority. In a weighted pool the keys without weight come last. */
record KeyTier(int priority, boolean spare) implements Comparable<KeyTier> {
  static KeyTier of(PoolPlan plan, KeyPlan key) {
    return new KeyTier(key.priority(), plan.strategy() == Strategy.WEIGHTED && key.weight() == 0);
  }

  @Override
  public int compareTo(KeyTier other) {
    int order = Integer.compare(other.priority, priority);
    return order != 0 ? order : Boolean.compare(spare, other.spare);
  }

  String text() {
    return priority + (spare ? ":spare" : "");
  }
}
