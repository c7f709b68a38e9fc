package relay.redis;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * Makes a failing list short: leaves out ever smaller runs of it, and then parts of what is left,
 * as long as it still fails (delta debugging, Zeller and Hildebrandt 2002).
 */
final class Shrinker<T> {
  private final Predicate<List<T>> fails;
  private final BooleanSupplier timeIsLeft;

  /**
   * @param fails tells whether a list still fails; asked many times
   * @param timeIsLeft bounds the search; when it ends, the shortest list so far stands
   */
  Shrinker(Predicate<List<T>> fails, BooleanSupplier timeIsLeft) {
    this.fails = fails;
    this.timeIsLeft = timeIsLeft;
  }

  /**
   * A list that fails and of which no single element can be left out, if time allows.
   *
   * @param parts smaller elements that may stand for one
   */
  List<T> shrink(List<T> failing, Function<T, List<T>> parts) {
    List<T> now = List.copyOf(failing);
    int before;
    do {
      before = now.size();
      for (int run = Math.max(1, now.size() / 2); run > 0; run /= 2) {
        now = withoutRuns(now, run);
      }
    } while (now.size() < before && timeIsLeft.getAsBoolean());
    return withParts(now, parts);
  }

  /** From the end on: there stands what the failure needs least, apart from its last element. */
  private List<T> withoutRuns(List<T> all, int run) {
    List<T> now = all;
    for (int to = now.size(); to > 0 && timeIsLeft.getAsBoolean(); to -= run) {
      List<T> fewer = new ArrayList<>(now);
      fewer.subList(Math.max(0, to - run), Math.min(to, now.size())).clear();
      if (fails.test(fewer)) {
        now = fewer;
      }
    }
    return now;
  }

  private List<T> withParts(List<T> all, Function<T, List<T>> parts) {
    List<T> now = new ArrayList<>(all);
    for (int n = 0; n < now.size(); n++) {
      boolean smaller = true;
      while (smaller && timeIsLeft.getAsBoolean()) {
        smaller = false;
        for (T part : parts.apply(now.get(n))) {
          List<T> other = new ArrayList<>(now);
          other.set(n, part);
          if (!smaller && fails.test(other)) {
            now = other;
            smaller = true;
          }
        }
      }
    }
    return now;
  }
}
