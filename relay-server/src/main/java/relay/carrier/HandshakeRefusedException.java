package relay.carrier;

import javax.net.ssl.SSLHandshakeException;

/**
 * A peer refused a TLS handshake, and the next one with it will be another: it may be tried at
 * once.
 */
public final class HandshakeRefusedException extends SSLHandshakeException {
  private static final long serialVersionUID = 1L;

  public HandshakeRefusedException(Exception cause) {
    super(cause.getMessage(), cause);
  }
}
