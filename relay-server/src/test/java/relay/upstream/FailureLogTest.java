package relay.upstream;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.ProtocolException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLPeerUnverifiedException;
import okhttp3.internal.http2.ConnectionShutdownException;
import okhttp3.internal.http2.ErrorCode;
import okhttp3.internal.http2.StreamResetException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import relay.carrier.NoSocketException;
import relay.upstream.UpstreamCall.FailureCause;

/** Causes of failures, and how often they are logged. */
class FailureLogTest {
  private final AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 1); // it overflows
  private final List<String> lines = new ArrayList<>();
  private final FailureLog failures = new FailureLog("acme", lines::add, nanos::get);

  static Stream<Arguments> causes() {
    return Stream.of(
        Arguments.of(FailureCause.NAME, new UnknownHostException("acme.invalid")),
        Arguments.of(FailureCause.REFUSED, new ConnectException("Connection refused")),
        Arguments.of(
            FailureCause.REFUSED,
            wrapped(new ConnectException("Failed to connect"), new ConnectException("refused"))),
        Arguments.of(FailureCause.ROUTE, new ConnectException("Network is unreachable")),
        Arguments.of(FailureCause.TIMEOUT, new ConnectException("Connection timed out")),
        Arguments.of(FailureCause.TIMEOUT, new SocketTimeoutException("connect timed out")),
        Arguments.of(FailureCause.TLS, new SSLHandshakeException("no common cipher")),
        Arguments.of(
            FailureCause.CERTIFICATE,
            wrapped(new SSLHandshakeException("bad"), new CertificateException("no path"))),
        Arguments.of(
            FailureCause.EXPIRED,
            wrapped(
                new SSLHandshakeException("bad"),
                wrapped(new CertificateException("no path"), new CertificateExpiredException()))),
        Arguments.of(FailureCause.IDENTITY, new SSLPeerUnverifiedException("Hostname acme")),
        Arguments.of(FailureCause.STREAMS, new StreamResetException(ErrorCode.REFUSED_STREAM)),
        Arguments.of(FailureCause.STREAMS, new ConnectionShutdownException()),
        Arguments.of(FailureCause.CONNECTION, new StreamResetException(ErrorCode.CANCEL)),
        Arguments.of(FailureCause.LOCAL, new BindException("Cannot assign requested address")),
        Arguments.of(
            FailureCause.LOCAL,
            wrapped(
                new UnknownHostException("acme"),
                new NoSocketException(new SocketException("Too many open files")))),
        Arguments.of(FailureCause.PROTOCOL, new ProtocolException("Unexpected status line")),
        Arguments.of(FailureCause.CONNECTION, new SocketException("Connection reset")),
        Arguments.of(FailureCause.CONNECTION, new IOException("unexpected end of stream")));
  }

  private static Exception wrapped(Exception outer, Exception cause) {
    outer.initCause(cause);
    return outer;
  }

  @ParameterizedTest
  @MethodSource("causes")
  void an_exception_has_one_cause(FailureCause cause, Exception failure) {
    assertEquals(cause, FailureCauses.of(failure));
  }

  @Test
  void a_cause_is_logged_once_in_a_while_with_the_number_of_failures_left_out() {
    IOException failure = new IOException("outer", new ConnectException("Connection refused"));
    for (int n = 0; n < 1000; n++) {
      failures.report(FailureCause.REFUSED, failure);
    }
    failures.report(FailureCause.TLS, new IOException("alert"));
    nanos.addAndGet(FailureLog.PAUSE_NANOS - 1);
    failures.report(FailureCause.REFUSED, failure);
    nanos.addAndGet(1);
    failures.report(FailureCause.REFUSED, failure);
    assertEquals(
        List.of(
            "provider acme: it refuses connections (java.net.ConnectException: Connection refused)",
            "provider acme: the TLS handshake failed (java.io.IOException: alert)",
            "provider acme: it refuses connections (java.net.ConnectException: Connection"
                + " refused); 1000 more since the last such line"),
        lines);
  }
}
