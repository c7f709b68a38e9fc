package relay.redis.walk;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Cooldowns, quarantines and restores, in the model. */
final class OutageModel {
  private final PoolModel pool;
  private final Map<String, String> reasons = new TreeMap<>();

  OutageModel(PoolModel pool) {
    this.pool = pool;
  }

  void flushAll() {
    reasons.clear();
  }

  /** The reason of a key's quarantine; null if it is not quarantined. */
  @Nullable String reason(String key) {
    return reasons.get(key);
  }

  /** The reasons of all quarantined keys, and since when they are. */
  Map<String, String> reasons() {
    return reasons;
  }

  List<Object> cooldown(Clock clock, String field, long micros, long granted) {
    if (!pool.isKnown() || !pool.knows(field)) {
      return PoolModel.UNKNOWN;
    }
    long now = pool.time(clock);
    if (field.startsWith("k:")) {
      KeyModel key = pool.key(field.substring(2));
      key.cooldownEnd = Math.max(key.cooldownEnd, now + micros);
      return List.of(1L, now, key.cooldownEnd - now);
    }
    GroupModel g = pool.group(field.substring(2));
    long length = micros;
    if (micros == 0 && g.cooldownEnd <= now) {
      length = Math.min(60, 1L << g.refusals) * 1_000_000;
      g.refusals = Math.min(6, g.refusals + 1);
    }
    g.refused(granted, now, pool.shape());
    g.cooldownEnd = Math.max(g.cooldownEnd, now + length);
    return List.of(1L, now, g.cooldownEnd - now);
  }

  List<Object> quarantine(Clock clock, String reason, List<String> ids) {
    if (!pool.keys.keySet().containsAll(ids)) {
      return PoolModel.UNKNOWN;
    }
    long newly = 0;
    for (String id : ids) {
      KeyModel key = pool.key(id);
      if (key.quarantine == null) {
        key.quarantine = reason;
        reasons.put(id, reason);
        reasons.put("since " + id, Long.toString(clock.given() / 1000));
        newly++;
      }
    }
    return List.of(newly);
  }

  List<Object> restore(List<String> fields) {
    if (!pool.isKnown() || !fields.stream().allMatch(pool::knows)) {
      return PoolModel.UNKNOWN;
    }
    long restored = 0;
    for (String field : fields) {
      String id = field.substring(2);
      if (field.startsWith("g:")) {
        GroupModel g = pool.group(id);
        restored += g.cooldownEnd > pool.last() ? 1 : 0;
        g.cooldownEnd = 0;
        g.refusals = 0;
      } else {
        KeyModel key = pool.key(id);
        restored += key.cooldownEnd > pool.last() || key.quarantine != null ? 1 : 0;
        key.cooldownEnd = 0;
        key.quarantine = null;
        reasons.remove(id);
        reasons.remove("since " + id);
      }
    }
    return List.of(restored);
  }
}
