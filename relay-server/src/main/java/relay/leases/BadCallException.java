package relay.leases;

/** A call's body is wrong: its message tells what is. */
final class BadCallException extends Exception {
  private static final long serialVersionUID = 1;

  BadCallException(String message) {
    super(message, null, false, false); // no stack trace: it is an answer
  }

  private String text() {
    return String.valueOf(getMessage());
  }

  @Override
  public String toString() {
    return text();
  }
}
