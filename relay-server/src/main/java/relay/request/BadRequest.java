package relay.request;

/**
 * The body is invalid. It is not forwarded and nothing is charged.
 *
 * @param offset the byte at which scanning stopped, from 0
 * @param message for the client; names the offset, never quotes the body
 */
public record BadRequest(int offset, String message) implements RequestScan {

  static BadRequest at(int offset, String what) {
    return new BadRequest(offset, "invalid request body at byte " + offset + ": " + what);
  }
}
