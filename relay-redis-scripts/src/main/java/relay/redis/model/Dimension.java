package relay.redis.model;

/**
 * The quantities that a provider limits per window. The scripts number them from 1 in this order.
 */
public enum Dimension {
  /** Requests. */
  REQUESTS("rpm"),
  /** Input tokens. */
  INPUT_TOKENS("itpm"),
  /** Output tokens. */
  OUTPUT_TOKENS("otpm"),
  /** Input and output tokens together. */
  TOTAL_TOKENS("tpm");

  private final String label;

  Dimension(String label) {
    this.label = label;
  }

  /** The usual abbreviation: {@code rpm}, {@code itpm}, {@code otpm}, {@code tpm}. */
  public String label() {
    return label;
  }
}
