package relay.upstream;

import okhttp3.internal.http2.Http2Connection;
import okhttp3.internal.http2.Settings;

/**
 * Bounds the streams of a new HTTP/2 connection until the provider has stated its own bound.
 *
 * <p>OkHttp has no bound until the provider's SETTINGS arrive. A burst would open all its streams
 * on one new connection, and the provider would refuse those beyond its bound. RFC 9113 recommends
 * providers to allow at least 100. A provider that states none keeps this bound: its connections
 * carry {@value #STREAMS} streams each. The setting has no public API: it is the value that OkHttp
 * assumes for every new connection.
 */
final class EarlyStreams {
  static final int STREAMS = 100;

  private EarlyStreams() {}

  /** Applies to all connections that this process makes from now on. */
  static void bound() {
    Http2Connection.Companion.getDEFAULT_SETTINGS().set(Settings.MAX_CONCURRENT_STREAMS, STREAMS);
  }
}
