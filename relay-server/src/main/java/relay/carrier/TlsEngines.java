package relay.carrier;

import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;

/** Makes the TLS engines of connections: protocols, certificates and trust are its own. */
public interface TlsEngines {

  /** An engine for a connection to a server, ready to begin its handshake. */
  SSLEngine engine(String host, int port) throws SSLException;

  /**
   * Whether what an engine wants to send after the handshake may leave with the next write: the
   * answer to a KeyUpdate. Else it is an alert, or a new handshake, which is not supported.
   */
  default boolean mayAnswerLater(SSLEngine engine) {
    return false;
  }

  /**
   * A handshake has failed. Whether the next {@link #engine} for that peer is another, which may
   * succeed.
   */
  default boolean adapt(String host, int port, SSLException failure) {
    return false;
  }

  /** Frees what an engine holds outside of the heap. Any thread; later calls of it fail. */
  void free(SSLEngine engine);
}
