package relay.redis.walk;

import java.util.List;
import relay.redis.library.ScriptFile;
import relay.redis.script.RedisKeys;

/** Ends cooldowns and quarantines of keys and groups. The sets are those of an indexed pool. */
public record RestoreStep(List<String> fields, List<String> sets) implements Step.Counted {
  @Override
  public ScriptFile script() {
    return ScriptFile.RESTORE;
  }

  @Override
  public byte[][] keys(RedisKeys names) {
    return StepKeys.indexed(names, new byte[][] {names.state, names.quarantine}, sets);
  }

  @Override
  public List<Object> args(Clock c) {
    return List.copyOf(fields);
  }

  @Override
  public List<Object> apply(PoolModel model, Clock c) {
    return model.restore(fields);
  }
}
