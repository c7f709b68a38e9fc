package relay.bedrock;

import java.io.IOException;

/** The bytes are no event stream, or not whole. */
final class EventStreamException extends IOException {
  private static final long serialVersionUID = 1L;

  EventStreamException(String message) {
    super(message);
  }
}
