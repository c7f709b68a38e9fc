package relay.redis.outage;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import relay.redis.model.Days;
import relay.redis.model.Limits;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.PoolSnapshot.GroupState;

/**
 * What a replica knows of a pool without Redis: what Redis said last, and the keys that providers
 * have refused since then. Not thread-safe.
 */
final class LastSeen {
  /** A refused key is not probed without Redis, so a request tries it again after this time. */
  static final Duration REFUSED = Duration.ofMinutes(1);

  private final LongSupplier nanoTime;
  private final Map<String, Long> refused = new HashMap<>(); // until then, by key
  private @Nullable PoolSnapshot snapshot;
  private Set<String> quarantined = Set.of();
  private Map<String, Limits> limits = Map.of(); // by group
  private Set<String> full = Set.of(); // groups

  LastSeen(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /**
   * Reads a snapshot, unless it is the one of the last time.
   *
   * @param cooling is told the rest of each cooldown, by key or group
   */
  void read(@Nullable PoolSnapshot last, BiConsumer<String, Duration> cooling) {
    if (Objects.equals(last, snapshot)) {
      return;
    }
    snapshot = last;
    full = CutOff.full(last);
    if (last == null) {
      quarantined = Set.of();
      limits = Map.of();
      return;
    }
    quarantined =
        last.keys().stream()
            .filter(k -> k.quarantine() != null)
            .map(PoolSnapshot.KeyState::id)
            .collect(Collectors.toSet());
    limits = last.groups().stream().collect(Collectors.toMap(GroupState::id, GroupState::limits));
    last.groups().forEach(group -> cooling.accept(group.id(), rest(group)));
    last.keys().forEach(key -> cooling.accept(key.id(), key.cooldown()));
  }

  /** Until a day has room, Redis or not. */
  private static Duration rest(GroupState group) {
    Days.Count used = group.dayUsed();
    Days.Count most = group.dayLimits();
    boolean over =
        (most.requests() > 0 && used.requests() >= most.requests())
            || (most.tokens() > 0 && used.tokens() >= most.tokens());
    return over ? group.opens() : group.cooldown();
  }

  @Nullable PoolSnapshot snapshot() {
    return snapshot;
  }

  @Nullable Limits limitsOf(String group) {
    return limits.get(group);
  }

  /** Whether a group had no room for the share of a few seconds. */
  boolean isFull(String group) {
    return full.contains(group);
  }

  /** Whether a key is out of use. */
  boolean isQuarantined(String key) {
    if (quarantined.contains(key)) {
      return true;
    }
    Long until = refused.get(key);
    return until != null && nanoTime.getAsLong() - until < 0;
  }

  /** A provider has refused these keys, and Redis could not be told. */
  void refused(Collection<String> keys) {
    long until = nanoTime.getAsLong() + REFUSED.toNanos();
    keys.forEach(key -> refused.put(key, until));
  }

  /** Redis answers, or the keys' secrets may have changed. */
  void forgetRefused() {
    refused.clear();
  }
}
