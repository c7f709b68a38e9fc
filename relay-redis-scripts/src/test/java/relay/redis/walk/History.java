package relay.redis.walk;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The calls of several clients on one pool, each with the times before and after it. It is
 * linearizable if the calls have one serial order that the model explains, and in which no call
 * precedes one that was answered before it was made (Herlihy and Wing 1990).
 *
 * <p>The replies guide the search (Wing and Gong 1993): the pool's clock, read in the script, never
 * falls. So only calls of the same microsecond can be reordered. A busy machine has many of these:
 * the clock stands still for calls that were sent long ago.
 */
public record History(Step.Configure configured, List<Object> answer, List<Call> calls) {
  private static final int MOST_WRONG = 100; // each runs the calls before it again

  public History {
    calls = List.copyOf(calls);
  }

  /**
   * A call.
   *
   * @param madeNanos before it was sent, on a monotonic clock
   * @param answeredNanos after its reply was read
   */
  public record Call(long madeNanos, long answeredNanos, Step step, List<Object> reply) {
    public long poolMicros() {
      return (Long) reply.get(1);
    }
  }

  /** Why no serial order explains the calls; null if one does. */
  @Nullable
  public String unexplained() {
    return new Search().unexplained();
  }

  /** Tries as the next call each of the same microsecond, first the one that was answered first. */
  private final class Search {
    private final List<Call> order = new ArrayList<>(calls);
    private PoolModel model = begun();
    private int seen; // calls of the order that the model has seen; -1: and a wrong one

    @Nullable String unexplained() {
      order.sort(Comparator.comparingLong(Call::poolMicros).thenComparingLong(Call::answeredNanos));
      int[] next = new int[order.size() + 1]; // the call to try at each place
      int most = -1;
      String closest = "";
      int tried = 0;
      for (int at = 0; at < order.size(); ) {
        int from = next[at]++;
        if (from == order.size() || order.get(from).poolMicros() != order.get(at).poolMicros()) {
          if (at == 0) {
            return closest;
          }
          at--; // none is right here: another one before it
          order.add(next[at] - 1, order.remove(at));
          continue;
        }
        order.add(at, order.remove(from));
        String wrong = step(at);
        if (wrong == null) {
          at++;
          next[at] = at;
          continue;
        }
        order.add(from, order.remove(at));
        if (at > most) {
          most = at;
          closest = wrong;
        }
        if (++tried > MOST_WRONG) {
          return closest + " (not all orders were tried)";
        }
      }
      return null;
    }

    private @Nullable String step(int at) {
      Call call = order.get(at);
      for (Call earlier : order.subList(0, at).reversed()) {
        if (call.answeredNanos() - earlier.madeNanos() < 0) {
          return call + " was answered before " + earlier + " was made, but stands behind it";
        }
      }
      if (seen != at) {
        model = begun();
        order.subList(0, at).forEach(earlier -> apply(model, earlier));
      }
      try {
        apply(model, call);
      } catch (AssertionError e) {
        seen = -1;
        return call + " after " + at + " others: " + e.getMessage();
      }
      seen = at + 1;
      return null;
    }
  }

  private PoolModel begun() {
    PoolModel model = new PoolModel();
    ReplyCheck.compare(
        configured.apply(model, Clock.known((Long) answer.get(1), (Long) answer.get(1))), answer);
    return model;
  }

  private static void apply(PoolModel model, Call call) {
    Clock time = Clock.known(call.poolMicros(), call.poolMicros());
    ReplyCheck.compare(call.step().apply(model, time), call.reply());
  }
}
