package relay.redis.link;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisConnectionException;
import java.io.IOException;
import java.net.ConnectException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.util.concurrent.CompletionException;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.Test;

/** The words for a Redis that cannot be used. */
final class FailureReasonTest {

  private static String wrapped(Exception cause) {
    return FailureReason.of(
        new CompletionException(new RedisConnectionException("Unable to connect", cause)));
  }

  @Test
  void the_root_cause_comes_with_what_to_do() {
    assertEquals(
        "Connection refused; is it running, and is redis.url right?",
        wrapped(new ConnectException("Connection refused")));
    assertEquals(
        "java.io.IOException; is it running, and is redis.url right?", wrapped(new IOException()));
    assertEquals(
        "its certificate is not accepted: NotAfter: Sun; is redis.tls.ca right?",
        wrapped(new SSLException("handshake", new CertificateExpiredException("NotAfter: Sun"))));
    assertEquals(
        "its certificate is of another name: No subject alternative names matching IP address"
            + " 127.0.0.2 found; is the host in redis.url one of the certificate's names?",
        wrapped(
            new SSLException(
                "handshake",
                new CertificateException(
                    "No subject alternative names matching IP address 127.0.0.2 found"))));
    assertEquals(
        "TLS failed: certificate_required; is redis.tls right?",
        wrapped(new SSLException("certificate_required")));
  }

  @Test
  void an_error_of_redis_stays_as_it_is() {
    assertEquals("ERR no", wrapped(new RedisCommandExecutionException("ERR no")));
  }
}
