package relay.carrier;

/** Direct memory for the TLS of connections. A connection without traffic holds none of it. */
final class TlsBuffers {
  /** Enough for a record. Engines want more room than the 16 KiB of content of the standard. */
  static final int RECORD = 17 * 1024;

  /** Two records: the rest of one, and the next. */
  private static final int RECEIVED = 2 * RECORD;

  /** A full {@link GatheringOutput}, encrypted. */
  private static final int SENT = GatheringOutput.ROOM + 4 * 1024;

  private static final int SPARE = 64;

  private final SpareBuffers received = new SpareBuffers(RECEIVED, true, SPARE);
  private final SpareBuffers content = new SpareBuffers(RECORD, true, SPARE);
  private final SpareBuffers sent = new SpareBuffers(SENT, true, SPARE);

  SpareBuffers received() {
    return received;
  }

  SpareBuffers content() {
    return content;
  }

  SpareBuffers sent() {
    return sent;
  }
}
