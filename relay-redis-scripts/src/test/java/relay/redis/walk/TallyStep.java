package relay.redis.walk;

import java.util.ArrayList;
import java.util.List;
import relay.redis.library.ScriptFile;
import relay.redis.model.Usage;
import relay.redis.script.RedisKeys;

/** A replica sends its increments of clients' usage. */
public record TallyStep(String replica, long leaseMs, List<Told> clients)
    implements Step.Uncounted {
  /** Few slots, so that a walk reuses them. */
  static final int SLOTS = 5;

  static final int SLOT_S = 2;

  /** A client's increments. */
  public record Told(String client, Usage used, long inFlight) {}

  @Override
  public ScriptFile script() {
    return ScriptFile.TALLY;
  }

  @Override
  public byte[][] keys(RedisKeys names) {
    List<byte[]> keys = new ArrayList<>(List.of(names.counting, names.running(replica)));
    keys.addAll(List.of(names.used(SLOTS)));
    return keys.toArray(byte[][]::new);
  }

  @Override
  public List<Object> args(Clock c) {
    List<Object> args = new ArrayList<>(List.of(TallyModel.seconds(c), replica, leaseMs));
    for (Told t : clients) {
      Usage used = t.used();
      args.addAll(List.of(t.client(), used.requests(), used.inputTokens(), used.outputTokens()));
      args.add(t.inFlight());
    }
    return args;
  }

  @Override
  public List<Object> apply(PoolModel model, Clock c) {
    model.tally.told(TallyModel.seconds(c), replica, clients);
    return List.of(1L, TallyModel.seconds(c));
  }
}
