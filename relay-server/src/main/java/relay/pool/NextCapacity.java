package relay.pool;

import java.time.Duration;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.PoolSnapshot.GroupState;
import relay.redis.model.PoolSnapshot.KeyState;

/** The time until a pool can admit the smallest request. */
final class NextCapacity {
  /** The advised wait at a concurrency limit: the end of a running request is unknown. */
  private static final Duration CONCURRENCY = Duration.ofSeconds(1);

  private NextCapacity() {}

  /** The earliest time over all keys; zero = now, null if every key is quarantined. */
  static @Nullable Duration of(PoolSnapshot snapshot) {
    Map<String, Duration> opens =
        snapshot.groups().stream()
            .collect(
                Collectors.toMap(
                    GroupState::account, GroupState::opens, (a, b) -> a.compareTo(b) <= 0 ? a : b));
    return snapshot.keys().stream()
        .filter(key -> key.quarantine() == null)
        .map(key -> latest(opens.getOrDefault(key.account(), Duration.ZERO), key))
        .min(Duration::compareTo)
        .orElse(null);
  }

  private static Duration latest(Duration groupOpens, KeyState key) {
    Duration latest = later(groupOpens, key.cooldown());
    boolean full = key.maxConcurrent() > 0 && key.inFlight() >= key.maxConcurrent();
    return full ? later(latest, CONCURRENCY) : latest;
  }

  private static Duration later(Duration a, Duration b) {
    return a.compareTo(b) >= 0 ? a : b;
  }
}
