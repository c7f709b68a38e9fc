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
    plan.keys().forEach(key -> text.append('\n').append(key));
    plan.groups().forEach(g -> text.append('\n').append(g).append(' ').append(plan.limitsOf(g)));
    if (!plan.days().limits().isEmpty()) {
      text.append('\n').append(plan.days().starts()).append(' ').append(plan.days().zone());
      plan.groups().forEach(g -> text.append('\n').append(g).append(' ').append(plan.days().of(g)));
    }
    String digest = Digests.hex("SHA-256", text.toString()).substring(0, 15);
    return 1 + Long.parseLong(digest, 16) % (Limits.MAX - 1);
  }
}
