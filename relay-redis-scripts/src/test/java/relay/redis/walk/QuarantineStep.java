package relay.redis.walk;

import java.util.ArrayList;
import java.util.List;
import relay.redis.library.ScriptFile;
import relay.redis.script.RedisKeys;

/** Takes keys out of use. */
public record QuarantineStep(String reason, List<String> ids) implements Step.Counted {
  @Override
  public ScriptFile script() {
    return ScriptFile.QUARANTINE;
  }

  @Override
  public byte[][] keys(RedisKeys names) {
    return new byte[][] {names.state, names.quarantine};
  }

  @Override
  public List<Object> args(Clock c) {
    List<Object> args = new ArrayList<>(List.of(c.told(), reason, "-"));
    args.addAll(ids);
    return args;
  }

  @Override
  public List<Object> apply(PoolModel model, Clock c) {
    return model.quarantine(c, reason, ids);
  }
}
