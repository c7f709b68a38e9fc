package relay.redis.walk;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import relay.redis.model.Dimension;
import relay.redis.model.Limits;

/** Draws what a provider's answers state. */
final class ToldAnswers {
  private ToldAnswers() {}

  /**
   * An answer for a group.
   *
   * @param known the group's configured limits
   * @param other draws another limit
   * @param now the request was granted before
   */
  static Step.Observe draw(
      RandomGenerator random,
      String group,
      Limits known,
      LongSupplier other,
      long now,
      List<String> sets) {
    List<Long> stated = new ArrayList<>();
    List<Long> left = new ArrayList<>();
    List<Long> fullMs = new ArrayList<>();
    for (Dimension d : Dimension.values()) {
      long limit =
          switch (random.nextInt(6)) {
            case 0 -> other.getAsLong();
            case 1, 2 -> known.of(d);
            default -> 0;
          };
      stated.add(limit);
      left.add(
          switch (random.nextInt(4)) {
            case 0 -> random.nextLong(1 + limit);
            case 1 -> 0L;
            case 2 -> other.getAsLong();
            default -> -1L;
          });
      long most = random.nextInt(3) == 0 ? 200_000 : 20_000;
      fullMs.add(random.nextBoolean() ? -1L : random.nextLong(most));
    }
    long age = random.nextLong(random.nextBoolean() ? 90_000_000 : 100_000);
    long granted = random.nextInt(5) == 0 ? 0 : Math.max(0, now - age);
    return new Step.Observe(group, stated, left, granted, fullMs, sets);
  }
}
