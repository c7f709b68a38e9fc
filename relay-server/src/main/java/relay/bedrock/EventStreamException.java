package relay.bedrock;

import java.io.IOException;

/** The input is not a valid event stream, or is incomplete. */
final class EventStreamException extends IOException {
  private static final long serialVersionUID = 1L;

  EventStreamException(String message) {
    super(message);
  }
}
