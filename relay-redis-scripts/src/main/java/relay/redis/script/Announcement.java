package relay.redis.script;

import static relay.redis.script.RedisKeys.bytes;

import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Collectors;
import relay.redis.model.Days;
import relay.redis.model.Dimension;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;

/**
 * The arguments that announce a pool's shape to Redis. A large pool is announced in parts, because
 * Redis serves no other call while it processes one.
 */
public final class Announcement {
  private final PoolPlan plan;
  private final Candidates candidates;
  private final List<List<KeyPlan>> parts;
  private final List<List<String>> groups = new ArrayList<>(); // of each part
  private final Days.Seen seen;

  /**
   * @param most maximum number of keys in a part
   */
  public Announcement(Candidates candidates, int most) {
    this(candidates, most, Days.Seen.NOTHING);
  }

  Announcement(Candidates candidates, int most, Days.Seen seen) {
    this.candidates = candidates;
    this.seen = seen;
    plan = candidates.plan();
    parts = parts(plan, most);
    Set<String> announced = new HashSet<>();
    for (List<KeyPlan> keys : parts) { // an account's groups come with the first of its keys
      groups.add(
          PoolPlan.accountsOf(keys).stream()
              .filter(announced::add)
              .flatMap(a -> plan.allClasses().stream().map(c -> PoolPlan.group(a, c)))
              .toList());
    }
  }

  /**
   * Splits the keys into parts of at most {@code most}, because a large pool is announced in parts.
   * The keys of an account are adjacent.
   */
  private static List<List<KeyPlan>> parts(PoolPlan plan, int most) {
    List<KeyPlan> sorted =
        plan.keys().stream()
            .collect(
                Collectors.groupingBy(KeyPlan::account, LinkedHashMap::new, Collectors.toList()))
            .values()
            .stream()
            .flatMap(List::stream)
            .toList();
    List<List<KeyPlan>> parts = new ArrayList<>();
    for (int from = 0; from < sorted.size(); from += most) {
      parts.add(sorted.subList(from, Math.min(sorted.size(), from + most)));
    }
    return parts;
  }

  /** Which ready sets there are, of other plans, too. */
  List<byte[]> sets() {
    return candidates.allSets();
  }

  /** Number of parts; at least one. */
  public int parts() {
    return parts.size();
  }

  /**
   * The arguments of {@code configure} after the time arguments.
   *
   * @param epoch under which this replica used the pool, 0 if it never did
   * @param later 0 for the first part, else the first part's reply
   * @param replica the one that announces; empty for an onlooker
   * @param config what it runs with
   */
  public List<byte[]> args(int part, long epoch, long later, String replica, ConfigMark config) {
    List<KeyPlan> keys = parts.get(part);
    List<byte[]> args = new ArrayList<>();
    args.add(bytes(epoch));
    args.add(bytes(ThreadLocalRandom.current().nextLong(1, Limits.MAX)));
    args.add(bytes(plan.window().toMillis()));
    args.add(bytes(plan.strategy().code()));
    args.add(bytes(plan.accounting().code()));
    long millionths = Math.max(1, Math.round(plan.burstRatio() * 1e6)); // the script refuses 0
    args.add(bytes(BigDecimal.valueOf(millionths, 6).toPlainString()));
    args.add(bytes(later));
    List<String> own = groups.get(part);
    args.add(bytes(own.size()));
    args.add(bytes(keys.size()));
    String last = part == parts.size() - 1 ? " 1" : " 0";
    args.add(
        bytes(replica.isEmpty() ? "-" : replica + " " + config.line(candidates.planId()) + last));
    args.add(bytes(days(plan.days(), own, Instant.now(), seen)));
    for (String group : own) {
      args.add(bytes(group));
      for (Dimension d : Dimension.values()) {
        args.add(bytes(plan.limitsOf(group).of(d)));
      }
    }
    for (KeyPlan key : keys) {
      args.add(bytes(key.id()));
      args.add(bytes(key.account()));
      args.add(bytes(key.maxConcurrent()));
      args.add(bytes(key.priority()));
      args.add(bytes(key.weight()));
    }
    for (Candidates.Candidate row : candidates.rowsOf(keys)) {
      args.addAll(List.of(bytes(row.set()), bytes(row.key().id()), bytes(row.group())));
      args.add(bytes(row.isLarge() ? 1 : 0));
    }
    return args;
  }

  /** When days begin, and of these groups the limits a day, and what was seen to be used. */
  public static String days(Days days, List<String> groups, Instant now, Days.Seen seen) {
    if (days.limits().isEmpty()) {
      return "-";
    }
    StringBuilder text = new StringBuilder(days.rule(now)).append(' ').append(seen.micros());
    for (String group : groups) {
      Days.Count limit = days.of(group);
      if (!limit.equals(Days.Count.NONE)) {
        text.append(' ').append(group);
        Days.Count used = seen.used().getOrDefault(group, Days.Count.NONE);
        text.append(' ').append(limit.requests()).append(' ').append(limit.tokens());
        text.append(' ').append(used.requests()).append(' ').append(used.tokens());
      }
    }
    return text.toString();
  }
}
