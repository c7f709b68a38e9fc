package relay.redis.walk;

import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import relay.redis.model.Days;

/** Random limits a day of a {@link Walk}'s groups. */
final class DrawnDays {
  private static final List<ZoneId> ZONES =
      List.of(ZoneOffset.UTC, ZoneId.of("America/Los_Angeles"), ZoneId.of("Asia/Kathmandu"));

  private DrawnDays() {}

  static Days of(Collection<String> groups, RandomGenerator random, LongSupplier limit) {
    Map<String, Days.Count> limits = new HashMap<>();
    groups.stream()
        .sorted()
        .filter(group -> random.nextInt(3) > 0)
        .forEach(g -> limits.put(g, new Days.Count(limit.getAsLong(), limit.getAsLong())));
    limits.values().removeIf(Days.Count.NONE::equals);
    LocalTime starts = random.nextBoolean() ? null : LocalTime.of(random.nextInt(24), 30);
    return new Days(limits, starts, ZONES.get(random.nextInt(ZONES.size())));
  }
}
