package relay.leases;

/** A call's body is wrong. */
final class BadCallException extends Exception {
  private static final long serialVersionUID = 1;

  private final String reason;

  BadCallException(String reason) {
    super(reason, null, false, false); // no stack trace: it is an answer
    this.reason = reason;
  }

  /** What is wrong. */
  String reason() {
    return reason;
  }
}
