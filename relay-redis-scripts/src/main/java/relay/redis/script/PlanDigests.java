package relay.redis.script;

import relay.redis.library.Digests;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;

/** Digests of a plan. */
final class PlanDigests {
  private static final String INDEX = "2"; // changes with the format of the index

  private PlanDigests() {}

  /** A digest of everything that determines the candidates. */
  static String shape(PoolPlan plan) {
    StringBuilder text = new StringBuilder(INDEX);
    text.append(String.join(" ", plan.modelClasses()));
    for (KeyPlan key : plan.keys()) {
      text.append('\n').append(key.id()).append(' ').append(key.account());
      text.append(' ').append(KeyTier.of(plan, key).text());
    }
    return Digests.hex("SHA-256", text.toString()).substring(0, 8);
  }

  /** Tells plans apart: a digest of all that they say, as a number that scripts count exactly. */
  static long number(PoolPlan plan) {
    StringBuilder text = new StringBuilder(INDEX);
    text.append(plan.window()).append(' ').append(plan.strategy()).append(' ');
    text.append(plan.accounting()).append(' ').append(plan.burstRatio());
    text.append('\n').append(String.join(" ", plan.modelClasses()));
    plan.keys().forEach(key -> append(text.append('\n'), key));
    plan.groups().forEach(g -> append(text.append('\n').append(g).append(' '), plan.limitsOf(g)));
    if (!plan.days().limits().isEmpty()) {
      text.append('\n').append(plan.days().starts()).append(' ').append(plan.days().zone());
      plan.groups().forEach(g -> text.append('\n').append(g).append(' ').append(plan.days().of(g)));
    }
    String digest = Digests.hex("SHA-256", text.toString()).substring(0, 15);
    return 1 + Long.parseLong(digest, 16) % (Limits.MAX - 1);
  }

  // The form is kept: replicas of all versions compare the digest.

  private static void append(StringBuilder text, KeyPlan key) {
    text.append("KeyPlan[id=").append(key.id()).append(", account=").append(key.account());
    text.append(", priority=").append(key.priority()).append(", weight=").append(key.weight());
    text.append(", maxConcurrent=").append(key.maxConcurrent());
    text.append(", enforce=").append(key.enforce());
    text.append(", budgets=").append(key.budgets()).append(']');
  }

  private static void append(StringBuilder text, Limits limits) {
    text.append("Limits[requests=").append(limits.requests());
    text.append(", inputTokens=").append(limits.inputTokens());
    text.append(", outputTokens=").append(limits.outputTokens());
    text.append(", totalTokens=").append(limits.totalTokens()).append(']');
  }
}
