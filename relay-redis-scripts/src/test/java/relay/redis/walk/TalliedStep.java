package relay.redis.walk;

import java.util.ArrayList;
import java.util.List;
import relay.redis.library.ScriptFile;
import relay.redis.model.Usage;
import relay.redis.script.RedisKeys;

/**
 * An operator reads the clients' usage.
 *
 * @param replicas replicas to read the requests in flight of
 */
public record TalliedStep(List<String> replicas, List<String> clients) implements Step.Uncounted {
  @Override
  public ScriptFile script() {
    return ScriptFile.TALLIED;
  }

  @Override
  public byte[][] keys(RedisKeys names) {
    List<byte[]> keys = new ArrayList<>(List.of(names.counting));
    keys.addAll(List.of(names.used(TallyStep.SLOTS)));
    replicas.forEach(replica -> keys.add(names.running(replica)));
    return keys.toArray(byte[][]::new);
  }

  @Override
  public List<Object> args(Clock c) {
    List<Object> args = new ArrayList<>(List.of(TallyModel.seconds(c), TallyStep.SLOTS));
    args.addAll(clients);
    return args;
  }

  @Override
  public List<Object> apply(PoolModel model, Clock c) {
    long now = TallyModel.seconds(c);
    List<Object> reply = new ArrayList<>(List.of(1L, now, model.tally.counting(now)));
    for (String client : clients) {
      Usage used = model.tally.used(now, client);
      reply.addAll(List.of(used.requests(), used.inputTokens(), used.outputTokens()));
      reply.add(model.tally.inFlight(replicas, client));
    }
    return reply;
  }
}
