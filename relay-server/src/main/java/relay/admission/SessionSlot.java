package relay.admission;

/**
 * The place at which Redis remembers a conversation's account. A client has {@value #SLOTS} places,
 * and conversations that share one share its account: so a client's conversations, however many it
 * invents, hold a bounded memory, and no other client's.
 */
final class SessionSlot {
  /** As many as three hexadecimal digits tell apart. */
  static final int SLOTS = 4_096;

  private static final int DIGITS = 3;
  private static final long FNV_BASIS = 0xcbf29ce484222325L;
  private static final long FNV_PRIME = 0x100000001b3L;

  private SessionSlot() {}

  /**
   * @param session a hash in hexadecimal digits; empty for none
   */
  static String of(String client, String session) {
    return session.isEmpty() ? "" : hash(client) + "-" + session.substring(0, DIGITS);
  }

  /** FNV-1a: names of clients are the operator's, so a client cannot choose one for its hash. */
  private static String hash(String client) {
    long hash = FNV_BASIS;
    for (int n = 0; n < client.length(); n++) {
      hash = (hash ^ client.charAt(n)) * FNV_PRIME;
    }
    return Long.toHexString(hash);
  }
}
