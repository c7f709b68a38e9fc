package relay.redis.simulation;

import org.jspecify.annotations.Nullable;

/**
 * A common algorithm as an admission rule. After a refusal, all replicas pause as the provider
 * asks, which several gateways do not do; they learn nothing else from it.
 */
final class LimiterRule implements AdmissionRule {
  private final Limiter limiter;
  private final long largest;
  private final boolean cools;
  private long cooldownEnd;

  LimiterRule(Limiter limiter, long largest) {
    this.limiter = limiter;
    this.largest = largest;
    cools = !(limiter instanceof Limiter.None);
  }

  @Override
  public @Nullable Pass admit(long now, long number, int replica, Ask ask) {
    long tokens = ask.cautious();
    return now >= cooldownEnd && limiter.take(now, replica, tokens)
        ? new Pass(number, replica, now, tokens)
        : null;
  }

  @Override
  public void settle(long now, Pass pass, long tokens) {
    if (tokens != pass.tokens()) {
      limiter.correct(now, pass.replica(), pass.at(), tokens - pass.tokens());
    }
  }

  @Override
  public void refused(long now, Pass pass, long waitMicros) {
    if (cools) {
      cooldownEnd = Math.max(cooldownEnd, now + waitMicros);
    }
    settle(now, pass, 0);
  }

  @Override
  public long largest() {
    return largest;
  }
}
