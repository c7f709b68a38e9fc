package relay.redis.walk;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * Shortens a failing list: removes ever smaller runs of it, then replaces elements by smaller ones,
 * as long as it still fails (delta debugging, Zeller and Hildebrandt 2002).
 */
final class Shrinker<T> {
  private final Predicate<List<T>> fails;
  private final BooleanSupplier timeIsLeft;

  /**
   * @param fails whether a list still fails; called many times
   * @param timeIsLeft bounds the search; when time is up, the shortest list so far is the result
   */
  Shrinker(Predicate<List<T>> fails, BooleanSupplier timeIsLeft) {
    this.fails = fails;
    this.timeIsLeft = timeIsLeft;
  }

  /**
   * A failing list from which no single element can be removed, if time allows.
   *
   * @param parts smaller replacements for an element
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

  /** From the end: the failure needs the late elements least, apart from the last. */
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
