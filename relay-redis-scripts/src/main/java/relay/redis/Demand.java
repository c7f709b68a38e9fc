package relay.redis;

import java.util.Set;

/**
 * What a request needs of a key.
 *
 * @param modelClass one of the plan's model classes
 * @param inputTokens input tokens to reserve
 * @param outputTokens output tokens to reserve
 * @param avoid ids of keys to use only if there is no other, such as those already tried
 */
public record Demand(String modelClass, long inputTokens, long outputTokens, Set<String> avoid) {
  public Demand {
    avoid = Set.copyOf(avoid);
    if (inputTokens < 0 || outputTokens < 0) {
      throw new IllegalArgumentException("a demand is not negative");
    }
    inputTokens = Math.min(inputTokens, Limits.MAX);
    outputTokens = Math.min(outputTokens, Limits.MAX);
  }

  /** A demand that any key may serve. */
  public static Demand of(String modelClass, long inputTokens, long outputTokens) {
    return new Demand(modelClass, inputTokens, outputTokens, Set.of());
  }
}
