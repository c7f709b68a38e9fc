package relay.upstream;

import java.util.List;

/**
 * The providers to which Relay offers HTTP/2. To others it speaks HTTP/1.1 only: a connection for
 * each request under way, so that no answer waits for another and a slow client slows its own.
 */
final class Http2Providers {
  /** A system property: names of providers, with commas between them, or * for all. */
  static final String PROPERTY = "relay.provider_http2";

  private Http2Providers() {}

  static boolean names(String provider) {
    List<String> names = List.of(System.getProperty(PROPERTY, "").split(",", -1));
    return names.contains(provider) || names.contains("*");
  }
}
