package relay.redis.walk;

import java.util.ArrayList;
import java.util.List;
import relay.redis.script.RedisKeys;

/** The keys of the scripts that a {@link Step} calls. */
public final class StepKeys {
  private StepKeys() {}

  public static byte[][] leases(RedisKeys n) {
    return new byte[][] {n.state, n.win, n.leases, n.due, n.later};
  }

  static byte[][] withSessions(RedisKeys names, List<Wish> wishes) {
    List<byte[]> keys = new ArrayList<>(List.of(leases(names)));
    wishes.stream()
        .filter(w -> !w.session().isEmpty())
        .forEach(w -> keys.add(names.session("any", w.session())));
    return keys.toArray(byte[][]::new);
  }

  public static byte[][] configured(RedisKeys n) {
    return new byte[][] {
      n.state, n.win, n.quarantine, n.picture, n.learned, n.previousState, n.nextState
    };
  }

  /** The keys of a survey, without the ready sets of an indexed pool. */
  public static byte[][] surveyed(RedisKeys n) {
    List<byte[]> fixed = new ArrayList<>(List.of(leases(n)));
    fixed.addAll(List.of(n.quarantine, n.picture, n.replicas, n.summary, n.learned));
    fixed.addAll(List.of(n.breaker, n.refused));
    return fixed.toArray(byte[][]::new);
  }

  /** These keys, then the ready sets of an indexed pool. */
  static byte[][] indexed(RedisKeys names, byte[][] keys, List<String> sets) {
    List<byte[]> all = new ArrayList<>(List.of(keys));
    sets.forEach(set -> all.add(RedisKeys.bytes(names.base() + set)));
    return all.toArray(byte[][]::new);
  }
}
