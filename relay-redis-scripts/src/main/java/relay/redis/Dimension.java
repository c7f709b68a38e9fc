package relay.redis;

/** What a provider limits per window. The scripts number them from 1 in this order. */
public enum Dimension {
  REQUESTS("rpm"),
  INPUT_TOKENS("itpm"),
  OUTPUT_TOKENS("otpm"),
  TOTAL_TOKENS("tpm");

  private final String label;

  Dimension(String label) {
    this.label = label;
  }

  /** The name that operators know it by: {@code rpm}, {@code itpm}, {@code otpm}, {@code tpm}. */
  public String label() {
    return label;
  }
}
