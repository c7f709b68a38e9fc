package relay.config;

/** Whose requests come first when a pool is short; in order, the highest first. */
public enum ClientPriority {
  INTERACTIVE(1),
  STANDARD(2),
  BATCH(3);

  private final int number;

  ClientPriority(int number) {
    this.number = number;
  }

  /** 1 for the highest. */
  public int number() {
    return number;
  }
}
