package relay.trial.workers;

/** How a worker uses its leases. */
public enum Manner {
  /** One request a lease. */
  SINGLE(1, "one request a lease"),
  /** Several at once, and not all of them are sent: the rest comes back. */
  BULK(10, "up to 10, given back: "),
  /** A stream that is longer than the lease: it reports its output and so renews the lease. */
  RENEWING(1, "long streams, renewals: "),
  /** Settles after its lease died. */
  LATE(1, "settled after the ttl: ");

  private final int requests;
  private final String text;

  Manner(int requests, String text) {
    this.requests = requests;
    this.text = text;
  }

  /** Requests that it asks a lease for. */
  int requests() {
    return requests;
  }

  /** For people; the number follows where it ends so. */
  public String text() {
    return text;
  }

  /** Whether its work is longer than the lease that it asks for. */
  boolean outlivesLease() {
    return this == RENEWING || this == LATE;
  }
}
