package relay.request;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

/** Shorthand for scans in tests. */
final class Scans {

  private Scans() {}

  static RequestScan scan(String body) {
    return scan(body.getBytes(UTF_8));
  }

  static RequestScan scan(byte[] body) {
    return RequestScanner.scan(body, body.length);
  }

  static RequestFacts facts(String body) {
    return assertInstanceOf(RequestFacts.class, scan(body), body);
  }

  static BadRequest bad(String body) {
    return assertInstanceOf(BadRequest.class, scan(body), body);
  }

  static String cut(String body, ByteRange range) {
    return new String(body.getBytes(UTF_8), range.start(), range.length(), UTF_8);
  }
}
