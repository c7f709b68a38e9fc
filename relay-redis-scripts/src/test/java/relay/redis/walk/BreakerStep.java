package relay.redis.walk;

import java.util.ArrayList;
import java.util.List;
import relay.redis.library.ScriptFile;
import relay.redis.script.RedisKeys;

/**
 * A replica's report to the provider's breaker.
 *
 * @param probe empty, or the result of a trial
 * @param sources the parts of the counts that belong to one client or model
 */
record BreakerStep(long failures, long successes, String probe, String caller, List<Source> sources)
    implements Step.Uncounted {
  /** A source's part of the counts. */
  record Source(String name, long failures, long successes) {}

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
    List<Object> args = new ArrayList<>(List.of(c.told(), failures, successes, probe, caller));
    sources.forEach(s -> args.addAll(List.of(s.name(), s.failures(), s.successes())));
    return args;
  }

  @Override
  public List<Object> apply(PoolModel model, Clock c) {
    return model.breaker.report(c.given() / 1000, this);
  }
}
