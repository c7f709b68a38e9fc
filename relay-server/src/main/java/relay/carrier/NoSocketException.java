package relay.carrier;

import java.net.SocketException;

/**
 * This process could not make a socket: it has no file descriptor, port or memory left. The peer
 * has no part in it.
 */
public final class NoSocketException extends SocketException {
  private static final long serialVersionUID = 1;

  /** Keeps the cause, whose message is the operating system's. */
  public NoSocketException(Throwable cause) {
    super("no free file descriptor, port, thread or memory", cause);
  }
}
