package relay.config;

import static relay.config.SchemaNode.number;
import static relay.config.SchemaNode.section;

import relay.model.Weights;

/** Reads {@code weights}: how much a token of each kind counts. */
final class WeightSection {
  static final SchemaNode FORM =
      section("How much a token counts against the limits; absent = as the API is known");
  private static final String INPUT = weight("input", 1, "Of uncached input");
  private static final String CACHE_READ =
      weight("cache_read", 0, "Read from the cache; openai: 1");
  private static final String CACHE_WRITE = weight("cache_write", 1, "Written to the cache");
  private static final String OUTPUT = weight("output", 1, "Generated");

  private WeightSection() {}

  /** What is absent counts once, but cache reads as {@code otherwise} says. */
  static Weights read(Section weights, Weights otherwise) {
    Weights read =
        new Weights(
            weight(weights, INPUT, otherwise.input()),
            weight(weights, CACHE_READ, otherwise.cacheRead()),
            weight(weights, CACHE_WRITE, otherwise.cacheWrite()),
            weight(weights, OUTPUT, otherwise.output()));
    weights.done();
    return read;
  }

  private static String weight(String name, double usual, String text) {
    return FORM.declare(name, number(text, usual, Weights.MAX));
  }

  private static double weight(Section weights, String name, double otherwise) {
    return ScalarSettings.number(weights, name, otherwise, 0, Weights.MAX);
  }
}
