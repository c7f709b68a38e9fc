package relay.redis;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import relay.redis.Acquisition.Exhausted;
import relay.redis.Acquisition.Granted;
import relay.redis.Acquisition.Impossible;
import relay.redis.Acquisition.NoneUsable;
import relay.redis.Acquisition.Unavailable;

/**
 * The keys that a request may use, as the acquire script wants them: pairs of a key's and its
 * group's field, highest priority first. A pool of more than {@value #TOGETHER} keys is asked in
 * batches of as many, from a random start within each priority.
 */
final class Candidates {
  private static final int TOGETHER = 64;

  private final Map<String, List<Candidate>> byClass = new HashMap<>();
  private final Map<String, List<byte[][]>> whole = new HashMap<>();

  private record Candidate(KeyPlan key, String group) {}

  Candidates(PoolPlan plan) {
    for (String modelClass : plan.modelClasses()) {
      List<Candidate> all =
          plan.keys().stream()
              .sorted(Comparator.comparingInt(KeyPlan::priority).reversed())
              .map(k -> new Candidate(k, PoolPlan.group(k.account(), modelClass)))
              .toList();
      byClass.put(modelClass, all);
      if (all.size() <= TOGETHER) {
        whole.put(modelClass, Collections.singletonList(fields(all)));
      }
    }
  }

  /** Batches of fields; asked one after the other until one grants. */
  List<byte[][]> of(Demand demand) {
    List<Candidate> all = byClass.get(demand.modelClass());
    if (all == null) {
      throw new IllegalArgumentException("no such model class: " + demand.modelClass());
    }
    List<byte[][]> ready = whole.get(demand.modelClass());
    if (ready != null && demand.avoid().isEmpty()) {
      return ready;
    }
    List<Candidate> others =
        all.stream().filter(c -> !demand.avoid().contains(c.key().id())).toList();
    if (others.isEmpty()) {
      others = all;
    }
    if (others.size() <= TOGETHER) {
      return Collections.singletonList(fields(others));
    }
    return batches(rotated(others));
  }

  private static List<byte[][]> batches(List<Candidate> all) {
    List<byte[][]> batches = new ArrayList<>();
    for (int from = 0; from < all.size(); from += TOGETHER) {
      batches.add(fields(all.subList(from, Math.min(all.size(), from + TOGETHER))));
    }
    return batches;
  }

  private static List<Candidate> rotated(List<Candidate> all) {
    List<Candidate> out = new ArrayList<>(all.size());
    for (int from = 0; from < all.size(); ) {
      int to = from;
      while (to < all.size() && all.get(to).key().priority() == all.get(from).key().priority()) {
        to++;
      }
      int start = from + ThreadLocalRandom.current().nextInt(to - from);
      out.addAll(all.subList(start, to));
      out.addAll(all.subList(from, start));
      from = to;
    }
    return out;
  }

  private static byte[][] fields(List<Candidate> some) {
    byte[][] fields = new byte[2 * some.size()][];
    for (int n = 0; n < some.size(); n++) {
      fields[2 * n] = RedisKeys.bytes("k:" + some.get(n).key().id());
      fields[2 * n + 1] = RedisKeys.bytes("g:" + some.get(n).group());
    }
    return fields;
  }

  /** Of the answers of two batches, what to tell: a grant, else the earlier time. */
  static Acquisition better(Acquisition a, Acquisition b) {
    return switch (b) {
      case Granted _, Unavailable _ -> b;
      case Exhausted e ->
          a instanceof Exhausted x && x.retryAfter().compareTo(e.retryAfter()) <= 0 ? a : b;
      case Impossible _ -> a instanceof NoneUsable ? b : a;
      case NoneUsable _ -> a;
    };
  }
}
