package relay.endtoend;

import java.util.List;
import java.util.function.ToDoubleFunction;

/** The median and the range of several runs. */
final class Median {
  private Median() {}

  static <T> double of(List<T> runs, ToDoubleFunction<T> figure) {
    List<Double> sorted = runs.stream().map(figure::applyAsDouble).sorted().toList();
    int middle = sorted.size() / 2;
    return sorted.size() % 2 == 1
        ? sorted.get(middle)
        : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
  }

  static double of(List<Double> runs) {
    return of(runs, Double::doubleValue);
  }
}
