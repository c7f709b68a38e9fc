package relay.redis.walk;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;
import java.util.random.RandomGenerator;
import relay.redis.library.ScriptFile;
import relay.redis.model.KeyPlan;
import relay.redis.script.RedisKeys;

/**
 * Usage without a lease in Redis.
 *
 * @param parts what was used when
 * @param key of a request that still runs; empty for none
 * @param spreadMicros in which a part of the rates was free for it
 */
public record ChargeStep(
    String id, String group, List<Part> parts, String key, long leaseMs, long spreadMicros)
    implements Step.Counted {
  /** Used at once. */
  public record Part(long ago, long requests, long input, long output) {}

  public static ChargeStep ended(String id, String group, long requests, long input, long output) {
    return ended(id, group, List.of(new Part(0, requests, input, output)));
  }

  public static ChargeStep ended(String id, String group, List<Part> parts) {
    return new ChargeStep(id, group, parts, "", 0, 0);
  }

  /** Half of the time of a request that still runs. */
  static ChargeStep of(
      RandomGenerator random, String id, KeyPlan key, String group, long[] tokens, long leaseMs) {
    List<Part> parts = new ArrayList<>();
    do {
      long ago = random.nextBoolean() ? 0 : random.nextLong(random.nextBoolean() ? MINUTE : HOUR);
      parts.add(new Part(ago, random.nextInt(3), tokens[0], tokens[1]));
    } while (random.nextInt(3) == 0);
    ChargeStep ended = ended(id, group, parts);
    return switch (random.nextInt(4)) {
      case 0 -> ended;
      case 1 -> ended.over(random.nextLong(30_000_000));
      default -> new ChargeStep(id, group, List.of(parts.getFirst()), key.id(), leaseMs, 0);
    };
  }

  private static final long MINUTE = 60_000_000;
  private static final long HOUR = 60 * MINUTE;

  /** The same, with the rates of this time. */
  public ChargeStep over(long micros) {
    return new ChargeStep(id, group, parts, key, leaseMs, micros);
  }

  long requests() {
    return sum(Part::requests);
  }

  long input() {
    return sum(Part::input);
  }

  long output() {
    return sum(Part::output);
  }

  private long sum(ToLongFunction<Part> of) {
    return parts.stream().mapToLong(of).sum();
  }

  @Override
  public ScriptFile script() {
    return ScriptFile.CHARGE;
  }

  @Override
  public byte[][] keys(RedisKeys names) {
    List<byte[]> keys = new ArrayList<>(List.of(StepKeys.leases(names)));
    keys.add(names.budgets);
    return keys.toArray(byte[][]::new);
  }

  @Override
  public List<Object> args(Clock c) {
    String runs = key.isEmpty() ? "-" : key;
    List<Object> args = new ArrayList<>(List.of(c.ceiling(), c.told(), id, group));
    args.addAll(List.of(runs, leaseMs, spreadMicros, 1, 0, 0, "-", "-")); // no budget
    for (Part part : parts) {
      args.addAll(List.of(part.ago(), part.requests(), part.input(), part.output()));
    }
    return args;
  }

  @Override
  public List<Object> apply(PoolModel model, Clock c) {
    return model.charge(c, this);
  }
}
