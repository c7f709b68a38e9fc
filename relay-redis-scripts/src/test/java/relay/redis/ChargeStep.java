package relay.redis;

import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;

/**
 * Usage without a lease in Redis.
 *
 * @param key of a request that still runs; empty for none
 * @param spreadMicros in which a part of the rates was free for it
 */
record ChargeStep(
    String id,
    String group,
    long requests,
    long input,
    long output,
    String key,
    long leaseMs,
    long spreadMicros)
    implements Step.Counted {
  static ChargeStep ended(String id, String group, long requests, long input, long output) {
    return new ChargeStep(id, group, requests, input, output, "", 0, 0);
  }

  /** Half of the time of a request that still runs. */
  static ChargeStep of(
      RandomGenerator random, String id, KeyPlan key, String group, long[] tokens, long leaseMs) {
    ChargeStep ended = ended(id, group, random.nextInt(3), tokens[0], tokens[1]);
    return switch (random.nextInt(4)) {
      case 0 -> ended;
      case 1 -> ended.over(random.nextLong(30_000_000));
      default -> ended.of(key.id(), leaseMs);
    };
  }

  private ChargeStep of(String running, long until) {
    return new ChargeStep(id, group, requests, input, output, running, until, 0);
  }

  /** The same, with the rates of this time. */
  ChargeStep over(long micros) {
    return new ChargeStep(id, group, requests, input, output, key, leaseMs, micros);
  }

  @Override
  public ScriptFile script() {
    return ScriptFile.CHARGE;
  }

  @Override
  public byte[][] keys(RedisKeys names) {
    List<byte[]> keys = new ArrayList<>(List.of(Step.leases(names)));
    keys.add(names.budgets);
    return keys.toArray(byte[][]::new);
  }

  @Override
  public List<Object> args(Clock c) {
    String runs = key.isEmpty() ? "-" : key;
    List<Object> counted = List.of(c.ceiling(), c.told(), id, group, requests, input, output);
    List<Object> noBudget = List.of(runs, leaseMs, spreadMicros, 0, "-", "-");
    return Stream.concat(counted.stream(), noBudget.stream()).toList();
  }

  @Override
  public List<Object> apply(PoolModel model, Clock c) {
    return model.charge(c, this);
  }
}
