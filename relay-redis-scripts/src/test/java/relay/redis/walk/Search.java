package relay.redis.walk;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import relay.redis.library.Digests;
import relay.redis.model.Strategy;

/** One request's search for a key in the model. */
final class Search {
  private final PoolModel pool;
  private final Wish whole;
  private final Wish wish; // one of them, if fewer will do
  private final long now;
  private final List<Choice> usable = new ArrayList<>();
  private final int candidates;
  private final long[] tooLarge = {0, 0};
  private int stopped;
  private boolean keptFrom; // a large enough candidate is quarantined

  /**
   * @param fields pairs of {@code k:<key>} and {@code g:<group>}, highest priority first
   */
  Search(PoolModel pool, Wish wish, List<String> fields, long now) {
    this.pool = pool;
    this.whole = wish;
    this.wish = wish.isPartial() ? wish.part(1) : wish;
    this.now = now;
    candidates = fields.size() / 2;
    for (int n = 0; n < fields.size(); n += 2) {
      KeyModel key = pool.key(fields.get(n).substring(2));
      GroupModel group = pool.group(fields.get(n + 1).substring(2));
      if (key.quarantine != null) {
        stopped++;
        keptFrom |= GroupLevels.clamp(group, this.wish, new long[2]) != null;
        continue;
      }
      Choice one = choice(key, group, this.wish, tooLarge);
      if (one != null) {
        usable.add(one);
      }
    }
  }

  private @Nullable Choice choice(KeyModel key, GroupModel group, Wish part, long[] tooLarge) {
    long[] clamped = GroupLevels.clamp(group, part, tooLarge);
    long inFlight = pool.inFlightOfKey(key.id);
    return clamped == null
        ? null
        : Choice.of(key, group, part, clamped[0], clamped[1], inFlight, now, pool.shape());
  }

  /** The same candidate, with as many of the requests as halving finds room for. */
  Choice enlarged(Choice one) {
    Choice best = one;
    long low = 1;
    long high = whole.isPartial() ? whole.requests() : 1;
    for (long count = high; low < high; count = Math.ceilDiv(low + high, 2)) {
      Choice more = choice(one.key(), one.group(), whole.part(count), new long[2]);
      if (more != null && more.fits(now)) {
        low = count;
        best = more;
      } else {
        high = count - 1;
      }
    }
    return best;
  }

  /** The script's five values for the request; applies a grant. */
  List<Object> answer(Strategy strategy, long leaseMicros) {
    List<Object> before = before();
    if (before != null) {
      return before;
    }
    Choice best = best(strategy);
    if (best == null) {
      return refusal();
    }
    best = enlarged(best);
    pool.grant(best, now, leaseMicros);
    return best.granted();
  }

  /** The result of an earlier call with this id, if there was one. */
  @Nullable List<Object> before() {
    if (pool.hasEnded(wish.id())) {
      return List.of(-4L, 0L, 0L, 0L, 0L);
    }
    LeaseModel held = pool.held(wish.id());
    if (held == null) {
      return null;
    }
    if (held.lasts() && !held.live) {
      return List.of(-4L, 0L, 0L, 0L, 0L);
    }
    long code = held.lasts() ? 1 + 1_000 * held.requests : 1;
    return List.of(code, held.key, held.group, held.input, held.output);
  }

  /** The candidates of the highest priority that can carry the request. */
  private List<Choice> fitting() {
    List<Choice> fitting = usable.stream().filter(c -> c.fits(now)).toList();
    int highest = fitting.stream().mapToInt(c -> c.key().priority).max().orElse(0);
    return fitting.stream().filter(c -> c.key().priority == highest).toList();
  }

  /** Without the spares, unless all are spares. */
  List<Choice> fitting(Strategy strategy) {
    List<Choice> fitting = fitting();
    List<Choice> first = fitting.stream().filter(c -> !c.isSpare(strategy)).toList();
    return first.isEmpty() ? fitting : first;
  }

  private @Nullable Choice best(Strategy strategy) {
    Map<Choice, Long> draws = new HashMap<>();
    long seed = seed(wish.id());
    for (Choice c : fitting()) {
      seed = seed * 16_807 % 2_147_483_647;
      draws.put(c, seed);
    }
    String favourite = pool.favourite(wish);
    Comparator<Choice> order =
        Comparator.<Choice, Boolean>comparing(c -> c.isSpare(strategy))
            .thenComparing(c -> !c.group().id.equals(favourite))
            .thenComparing(Choice.order(strategy, draws));
    return fitting().stream().min(order).orElse(null); // the first among equals
  }

  private static long seed(String id) {
    return 1 + Long.parseLong(Digests.hex("SHA-1", id).substring(0, 8), 16) % 2_147_483_646;
  }

  List<Object> refusal() {
    if (stopped == candidates || (usable.isEmpty() && keptFrom)) {
      return List.of(-2L, 0L, 0L, 0L, 0L);
    }
    if (usable.isEmpty()) {
      return List.of(-1L, tooLarge[0], tooLarge[1], 0L, 0L);
    }
    PoolModel.Wait wait = Choice.wait(usable, now, pool.shape());
    return List.of(0L, wait, Step.Any.ANYTHING, Step.Any.ANYTHING, 0L);
  }
}
