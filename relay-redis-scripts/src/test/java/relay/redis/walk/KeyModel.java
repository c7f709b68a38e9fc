package relay.redis.walk;

import org.jspecify.annotations.Nullable;
import relay.redis.model.KeyPlan;

/** A key as ENGINE.md describes it. */
final class KeyModel {
  final String id;
  int maxConcurrent;
  int priority;
  int weight;
  long cooldownEnd;
  double pass;
  @Nullable String quarantine;

  KeyModel(String id) {
    this.id = id;
  }

  void configure(KeyPlan plan, @Nullable String why) {
    maxConcurrent = plan.maxConcurrent();
    priority = plan.priority();
    weight = plan.weight();
    quarantine = why;
  }
}
