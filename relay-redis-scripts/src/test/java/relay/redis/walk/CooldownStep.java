package relay.redis.walk;

import java.util.List;
import relay.redis.library.ScriptFile;
import relay.redis.script.RedisKeys;

/** A key or a group is not used for a while. */
public record CooldownStep(String field, long millis, long granted) implements Step.Counted {
  @Override
  public ScriptFile script() {
    return ScriptFile.COOLDOWN;
  }

  @Override
  public byte[][] keys(RedisKeys names) {
    return new byte[][] {names.state, names.win, names.learned};
  }

  @Override
  public List<Object> args(Clock c) {
    return List.of(c.ceiling(), c.told(), field, millis, granted);
  }

  @Override
  public List<Object> apply(PoolModel model, Clock c) {
    return model.cooldown(c, field, millis * 1000, granted);
  }
}
