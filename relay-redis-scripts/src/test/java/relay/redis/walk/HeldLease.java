package relay.redis.walk;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;

/**
 * A lease to renew.
 *
 * @param report what its output has made, null for none
 * @param key its key; if not empty, the call carries its grant, to count it again
 * @param ttlMs of one that lasts; 0 for any other
 */
public record HeldLease(
    String id,
    String key,
    String group,
    long epoch,
    long granted,
    long input,
    long output,
    @Nullable Report report,
    long ttlMs) {
  /** A report of a lease's output. */
  public record Report(String id, long made, long rest, long spread) {}

  public HeldLease(
      String id, String key, String group, long epoch, long granted, long input, long output) {
    this(id, key, group, epoch, granted, input, output, null, 0);
  }

  public static HeldLease of(Report report) {
    boolean lasts = LeaseModel.lasts(report.id());
    return new HeldLease(
        report.id(), "", "", 0, 0, 0, 0, report, lasts ? 1 + report.rest() % 100_000 : 0);
  }

  public static HeldLease of(String id) {
    if (LeaseModel.lasts(id)) {
      return of(new Report(id, 0, 0, 0));
    }
    return new HeldLease(id, "", "", 0, 0, 0, 0);
  }

  /** As a call names it. */
  String text() {
    if (report != null) {
      String text = id + " " + report.made() + " " + report.rest() + " " + report.spread();
      return ttlMs > 0 ? text + " " + ttlMs : text;
    }
    if (key.isEmpty()) {
      return id;
    }
    return String.join(" ", id, key, group, epoch + " " + granted + " " + input + " " + output);
  }

  /** Half of the time with a grant, of leases that the walk never acquires. */
  static Step renewal(
      RandomGenerator random,
      PoolModel model,
      KeyPlan key,
      String modelClass,
      long leaseMs,
      List<String> some,
      List<String> all) {
    if (random.nextBoolean()) {
      return new Step.Renew(leaseMs, some.stream().map(HeldLease::of).toList());
    }
    String id = "h" + random.nextInt(20);
    all.add(id);
    HeldLease lost =
        new HeldLease(
            id,
            key.id(),
            PoolPlan.group(key.account(), modelClass),
            random.nextInt(3) > 0 ? model.epoch() : model.epoch() + 1,
            Math.max(0, model.last() - random.nextLong(2 * model.shape().windowMicros())),
            random.nextLong(100),
            random.nextLong(100));
    List<HeldLease> twice = new ArrayList<>(List.of(lost, lost));
    some.stream().limit(1).forEach(live -> twice.add(1, of(live)));
    return new Step.Renew(leaseMs, twice);
  }

  /** Reports grow, but some are repeated, and some come late. */
  static List<HeldLease> reports(
      RandomGenerator random, PoolModel model, List<String> ids, LongSupplier amount) {
    List<HeldLease> held = new ArrayList<>();
    for (String id : ids) {
      LeaseModel lease = model.held(id);
      long rest = amount.getAsLong();
      boolean grows = random.nextInt(3) > 0;
      long made = grows && lease != null ? lease.made + rest / 2 : amount.getAsLong();
      Report report = new Report(id, Math.min(made, Limits.MAX), rest, random.nextLong(1 + rest));
      held.add(random.nextInt(3) == 0 ? of(id) : of(report));
    }
    return held;
  }
}
