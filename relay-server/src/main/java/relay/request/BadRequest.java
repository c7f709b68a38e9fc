package relay.request;

/**
 * The body cannot be forwarded; nothing of it was charged.
 *
 * @param offset the byte at which reading stopped, from 0
 * @param message for the caller; names the offset, never quotes the body
 */
public record BadRequest(int offset, String message) implements RequestScan {}
