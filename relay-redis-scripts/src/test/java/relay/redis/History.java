package relay.redis;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The calls of several clients on one pool, each with the times before and after it. It is
 * linearizable if the calls have one serial order that the model explains, and in which no call
 * precedes one that was answered before it was made (Herlihy and Wing 1990).
 *
 * <p>The replies guide the search (Wing and Gong 1993): the pool's clock, read in the script, never
 * falls. So only calls of the same microsecond can be reordered.
 */
record History(Step.Configure configured, List<Object> answer, List<Call> calls) {
  private static final int MOST_AT_ONCE = 6; // of the same microsecond
  private static final int MOST_TRIED = 2_000; // each wrong one runs the calls again

  History {
    calls = List.copyOf(calls);
  }

  /**
   * A call.
   *
   * @param madeNanos before it was sent, on a monotonic clock
   * @param answeredNanos after its reply was read
   */
  record Call(long madeNanos, long answeredNanos, Step step, List<Object> reply) {
    long poolMicros() {
      return (Long) reply.get(1);
    }
  }

  /** Why no serial order explains the calls; null if one does. */
  @Nullable String unexplained() {
    List<Call> byTime =
        calls.stream()
            .sorted(Comparator.comparingLong(Call::poolMicros).thenComparingLong(Call::madeNanos))
            .toList();
    return search(new ArrayList<>(), begun(), byTime, new AtomicInteger());
  }

  private PoolModel begun() {
    PoolModel model = new PoolModel();
    ReplyCheck.compare(
        configured.apply(model, Clock.known((Long) answer.get(1), (Long) answer.get(1))), answer);
    return model;
  }

  /** Why no order of the rest is right; null if one is. */
  private @Nullable String search(
      List<Call> before, PoolModel model, List<Call> rest, AtomicInteger tried) {
    int from = 0;
    while (from < rest.size()) {
      List<Call> together = sameMoment(rest, from);
      from += together.size();
      if (together.size() > 1) {
        return searchOrders(before, together, rest.subList(from, rest.size()), tried);
      }
      String wrong = step(before, model, together.getFirst());
      if (wrong != null) {
        return wrong;
      }
    }
    return null;
  }

  private @Nullable String searchOrders(
      List<Call> before, List<Call> together, List<Call> rest, AtomicInteger tried) {
    if (together.size() > MOST_AT_ONCE) {
      return together.size() + " calls in one microsecond: too many to try all their orders";
    }
    String wrong = null;
    for (List<Call> order : orders(together)) {
      if (wrong != null && tried.incrementAndGet() > MOST_TRIED) {
        return wrong + " (not all orders were tried)";
      }
      List<Call> prefix = new ArrayList<>();
      PoolModel model = begun();
      wrong = null;
      List<Call> all = new ArrayList<>(before);
      all.addAll(order);
      for (Call call : all) {
        wrong = wrong != null ? wrong : step(prefix, model, call);
      }
      wrong = wrong != null ? wrong : search(prefix, model, rest, tried);
      if (wrong == null) {
        return null;
      }
    }
    return wrong;
  }

  /** Appends a call to the order. */
  private static @Nullable String step(List<Call> before, PoolModel model, Call call) {
    for (Call earlier : before.reversed()) {
      if (call.answeredNanos() - earlier.madeNanos() < 0) {
        return call + " was answered before " + earlier + " was made, but stands behind it";
      }
    }
    try {
      ReplyCheck.compare(
          call.step().apply(model, Clock.known(call.poolMicros(), call.poolMicros())),
          call.reply());
    } catch (AssertionError e) {
      return call + " after " + before.size() + " others: " + e.getMessage();
    }
    before.add(call);
    return null;
  }

  private static List<Call> sameMoment(List<Call> calls, int from) {
    int to = from + 1;
    while (to < calls.size() && calls.get(to).poolMicros() == calls.get(from).poolMicros()) {
      to++;
    }
    return calls.subList(from, to);
  }

  private static List<List<Call>> orders(List<Call> calls) {
    if (calls.isEmpty()) {
      return List.of(List.of());
    }
    List<List<Call>> all = new ArrayList<>();
    for (Call first : calls) {
      List<Call> others = new ArrayList<>(calls);
      others.remove(first);
      for (List<Call> order : orders(others)) {
        List<Call> one = new ArrayList<>(List.of(first));
        one.addAll(order);
        all.add(one);
      }
    }
    return all;
  }
}
