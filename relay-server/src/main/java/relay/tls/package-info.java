/** The TLS engines of connections to providers: BoringSSL by Netty, or else the JDK's. */
@NullMarked
package relay.tls;

import org.jspecify.annotations.NullMarked;
