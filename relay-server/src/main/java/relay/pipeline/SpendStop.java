package relay.pipeline;

import java.nio.charset.StandardCharsets;

/**
 * Tells a 429 that no waiting ends from one that it does: a spend limit (anthropic) or a quota that
 * is used up (openai). The codes are words of the providers' own; nothing else in an error contains
 * them.
 */
final class SpendStop {
  private SpendStop() {}

  static boolean isIn(byte[] errorBody) {
    String text = new String(errorBody, StandardCharsets.UTF_8);
    return text.contains("\"enforced_spend_limit_reached\"")
        || text.contains("\"insufficient_quota\"");
  }
}
