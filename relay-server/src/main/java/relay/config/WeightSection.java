package relay.config;

import relay.model.Weights;

/** Reads {@code weights}: how much a token of each kind counts. */
final class WeightSection {
  private WeightSection() {}

  /** What is absent counts once, but cache reads as {@code otherwise} says. */
  static Weights read(Section weights, Weights otherwise) {
    Weights read =
        new Weights(
            weight(weights, "input", otherwise.input()),
            weight(weights, "cache_read", otherwise.cacheRead()),
            weight(weights, "cache_write", otherwise.cacheWrite()),
            weight(weights, "output", otherwise.output()));
    weights.done();
    return read;
  }

  private static double weight(Section weights, String name, double otherwise) {
    return ScalarSettings.number(weights, name, otherwise, 0, Weights.MAX);
  }
}
