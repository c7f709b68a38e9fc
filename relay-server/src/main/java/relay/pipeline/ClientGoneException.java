package relay.pipeline;

/** The client left while it was being answered. */
final class ClientGoneException extends Exception {
  private static final long serialVersionUID = 1L;

  ClientGoneException() {
    super(null, null, false, false);
  }
}
