package relay.redis.walk;

import java.util.List;
import relay.redis.library.ScriptFile;
import relay.redis.script.RedisKeys;

/** Checks leases that are due. The sets are those of an indexed pool. */
public record SweepStep(List<String> sets) implements Step.Counted {
  @Override
  public ScriptFile script() {
    return ScriptFile.SWEEP;
  }

  @Override
  public byte[][] keys(RedisKeys names) {
    return StepKeys.indexed(names, StepKeys.leases(names), sets);
  }

  @Override
  public List<Object> args(Clock c) {
    return List.of(c.ceiling(), c.told());
  }

  @Override
  public List<Object> apply(PoolModel model, Clock c) {
    return model.endings.sweep(c);
  }
}
