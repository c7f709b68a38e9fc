package relay.stream;

/**
 * How much of a stream is what the model has made: the bytes of its deltas less their framing. The
 * first and last events tell of the request and the usage, and are long beside a short answer, so
 * they are left out.
 */
final class MadeText {
  /** So many events show what their framing is. */
  private static final int ENOUGH = 8;

  private static final int MOST_FRAMING = 300;

  private final int leastFraming;
  private long events;
  private long bytes;
  private long smallest = Long.MAX_VALUE;

  /**
   * @param leastFraming bytes of an event without text
   */
  MadeText(int leastFraming) {
    this.leastFraming = leastFraming;
  }

  /** A delta of this size, framing included. */
  void add(long size) {
    events++;
    bytes += size;
    smallest = Math.min(smallest, size);
  }

  /** At least a byte an event; 0 before the first. */
  long bytes() {
    if (events == 0) {
      return 0;
    }
    long framing = Math.min(smallest, events < ENOUGH ? leastFraming : MOST_FRAMING);
    return Math.max(events, bytes - events * framing);
  }
}
