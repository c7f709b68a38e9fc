package relay.redis.walk;

import java.util.ArrayList;
import java.util.List;
import relay.redis.library.ScriptFile;
import relay.redis.script.RedisKeys;

/** A replica asks for the turn to try a quarantined key. */
record ProbeStep(long firstMs, List<String> ids) implements Step.Uncounted {
  @Override
  public ScriptFile script() {
    return ScriptFile.PROBE;
  }

  @Override
  public byte[][] keys(RedisKeys names) {
    return new byte[][] {names.quarantine, names.probes};
  }

  @Override
  public List<Object> args(Clock c) {
    List<Object> args = new ArrayList<>(List.of(c.told(), firstMs));
    args.addAll(ids);
    return args;
  }

  @Override
  public List<Object> apply(PoolModel model, Clock c) {
    return model.probation.turn(c.given() / 1000, firstMs, ids);
  }
}
