package relay.pipeline;

/** The client disconnected during its answer. */
final class ClientGoneException extends Exception {
  private static final long serialVersionUID = 1L;

  ClientGoneException() {
    super(null, null, false, false);
  }
}
