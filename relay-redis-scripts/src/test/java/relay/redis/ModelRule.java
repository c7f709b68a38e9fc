package relay.redis;

import org.jspecify.annotations.Nullable;

/**
 * The engine as an admission rule, by the model that {@link ModelTest} holds equal to the scripts.
 */
final class ModelRule implements AdmissionRule {
  private static final int OUTPUT = 2;

  private final Shape shape;
  private final GroupModel group;

  ModelRule(Accounting accounting, long limit, long now) {
    shape = new Shape(Account.MINUTE, 0, accounting == Accounting.TOKEN_BUCKET);
    group = new GroupModel("account/model", now);
    group.burst = 1;
    group.limit(new long[] {0, 0, limit, 0}, now, shape);
  }

  @Override
  public @Nullable Pass admit(long now, long number, int replica, long tokens) {
    if (group.cooldownEnd > now || Double.isNaN(group.load(OUTPUT, tokens, now, shape))) {
      return null;
    }
    group.flow(now, shape);
    group.charge(now, shape, 1, 0, tokens);
    return new Pass(number, replica, now, tokens);
  }

  @Override
  public void settle(long now, Pass pass, long tokens) {
    long over = tokens - pass.tokens();
    group.flow(now, shape);
    group.charge(now, shape, 0, 0, Math.max(0, over));
    group.refund(pass.at(), now, shape, 0, 0, Math.max(0, -over));
  }

  @Override
  public void refused(long now, Pass pass, long waitMicros) {
    group.refused(pass.at(), now, shape);
    group.cooldownEnd = Math.max(group.cooldownEnd, now + waitMicros);
    settle(now, pass, 0);
  }

  @Override
  public long largest() {
    return group.limits[OUTPUT];
  }
}
