package relay.redis.walk;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.stream.Collectors;
import relay.redis.library.ScriptFile;
import relay.redis.script.RedisKeys;

/**
 * A replica merges its samples and reads the fleet's.
 *
 * @param all whether to return all models
 */
record LearnStep(boolean all, List<Learned> models) implements Step.Uncounted {

  /**
   * Samples of a model.
   *
   * @param samples 0 to read only
   * @param outputs counts by bucket
   */
  record Learned(
      String model, long samples, long bytes, long tokens, SortedMap<Integer, Long> outputs) {
    private String counts() {
      return outputs.entrySet().stream()
          .map(bucket -> bucket.getKey() + ":" + bucket.getValue())
          .collect(Collectors.joining(","));
    }
  }

  @Override
  public ScriptFile script() {
    return ScriptFile.LEARN;
  }

  @Override
  public byte[][] keys(RedisKeys names) {
    return new byte[][] {names.estimates};
  }

  private static long seconds(Clock c) {
    return c.given() / 1_000_000;
  }

  @Override
  public List<Object> args(Clock c) {
    List<Object> args = new ArrayList<>(List.of(seconds(c), all ? 1 : 0));
    for (Learned m : models) {
      args.addAll(List.of(m.model(), m.samples(), m.bytes(), m.tokens(), m.counts()));
    }
    return args;
  }

  @Override
  public List<Object> apply(PoolModel model, Clock c) {
    models.forEach(m -> model.estimates.learn(seconds(c), m));
    List<Object> reply = new ArrayList<>(List.of(1L, seconds(c)));
    EstimatesModel known = model.estimates;
    if (all) {
      reply.add(new ReplyCheck.Pairs(known.stored().keySet(), known::told));
    } else {
      for (Learned m : models) {
        if (known.stored().containsKey(m.model())) {
          reply.add(m.model());
          reply.add(new ReplyCheck.Told(line -> known.told(m.model(), line)));
        }
      }
    }
    return reply;
  }
}
