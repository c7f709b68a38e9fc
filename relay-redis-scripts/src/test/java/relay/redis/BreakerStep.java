package relay.redis;

import java.util.List;

/**
 * A replica's report to the provider's breaker.
 *
 * @param probe empty, or the result of a trial
 */
record BreakerStep(long failures, long successes, String probe, String caller)
    implements Step.Uncounted {
  @Override
  public ScriptFile script() {
    return ScriptFile.BREAKER;
  }

  @Override
  public byte[][] keys(RedisKeys names) {
    return new byte[][] {names.breaker};
  }

  @Override
  public List<Object> args(Clock c) {
    return List.of(c.told(), failures, successes, probe, caller);
  }

  @Override
  public List<Object> apply(PoolModel model, Clock c) {
    return model.breaker.report(c.given() / 1000, this);
  }
}
