package relay.redis;

import java.util.Set;
import java.util.regex.Pattern;

/**
 * What a request needs of a key.
 *
 * @param modelClass one of the plan's model classes
 * @param inputTokens input tokens to reserve
 * @param outputTokens output tokens to reserve
 * @param avoid ids of keys to use only if there is no other, such as those already tried
 * @param session what tells a conversation from others, empty if nothing does: it stays on the
 *     account that served it last, which holds its prompt cache, while that has capacity; up to 64
 *     letters, digits, {@code -} and {@code _}
 * @param key id of the one key to use, empty for any: where it is not a choice, but a limit that is
 *     asked for
 */
public record Demand(
    String modelClass,
    long inputTokens,
    long outputTokens,
    Set<String> avoid,
    String session,
    String key) {
  private static final Pattern SESSION = Pattern.compile("[A-Za-z0-9_-]{0,64}");

  public Demand {
    avoid = Set.copyOf(avoid);
    if (!SESSION.matcher(session).matches()) {
      throw new IllegalArgumentException("a session is up to 64 letters and digits");
    }
    if (inputTokens < 0 || outputTokens < 0) {
      throw new IllegalArgumentException("a demand is not negative");
    }
    inputTokens = Math.min(inputTokens, Limits.MAX);
    outputTokens = Math.min(outputTokens, Limits.MAX);
  }

  /** A demand that any key may serve, of no conversation. */
  public static Demand of(String modelClass, long inputTokens, long outputTokens) {
    return new Demand(modelClass, inputTokens, outputTokens, Set.of(), "", "");
  }

  /** The same demand, of a conversation. */
  public Demand inSession(String id) {
    return new Demand(modelClass, inputTokens, outputTokens, avoid, id, key);
  }

  /** The same demand, of this key alone. */
  public Demand on(String id) {
    return new Demand(modelClass, inputTokens, outputTokens, Set.of(), session, id);
  }

  /** The same demand, with these keys left out if others can serve it. */
  public Demand avoiding(Set<String> keys) {
    return new Demand(modelClass, inputTokens, outputTokens, keys, session, key);
  }
}
