package relay.upstream;

import java.net.BindException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.ProtocolException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.net.UnknownServiceException;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.util.Locale;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLPeerUnverifiedException;
import okhttp3.internal.http2.ConnectionShutdownException;
import okhttp3.internal.http2.ErrorCode;
import okhttp3.internal.http2.StreamResetException;
import org.jspecify.annotations.Nullable;
import relay.carrier.NoSocketException;
import relay.upstream.UpstreamCall.FailureCause;

/** Finds the cause of a failure in an exception and its causes. */
final class FailureCauses {
  private FailureCauses() {}

  static FailureCause of(Throwable failure) {
    FailureCause found = null;
    // The outermost known exception wins, but TLS wraps a certificate's fault.
    for (Throwable e = failure; e != null; e = e.getCause()) {
      FailureCause known = known(e);
      if (known == FailureCause.LOCAL) {
        return known;
      }
      if (known != null && (found == null || known.isOfCertificate())) {
        found = known;
      }
    }
    return found == null ? FailureCause.CONNECTION : found;
  }

  /** Whether a server refused all application protocols that it was offered (RFC 7301, 3.2). */
  static boolean refusesProtocol(Throwable failure) {
    for (Throwable e = failure; e != null; e = e.getCause()) {
      if (e instanceof SSLException
          && String.valueOf(e.getMessage())
              .toLowerCase(Locale.ROOT)
              .contains("no_application_protocol")) {
        return true;
      }
    }
    return false;
  }

  private static @Nullable FailureCause known(Throwable e) {
    return switch (e) {
      case NoSocketException _, BindException _ -> FailureCause.LOCAL;
      case UnknownHostException _ -> FailureCause.NAME;
      case NoRouteToHostException _ -> FailureCause.ROUTE;
      // OkHttp throws ConnectException for any failure to connect, with the system's as its cause.
      case ConnectException c when c.getCause() == null -> connect(c);
      case SocketTimeoutException _ -> FailureCause.TIMEOUT;
      case SSLPeerUnverifiedException _ -> FailureCause.IDENTITY;
      case CertificateExpiredException _, CertificateNotYetValidException _ -> FailureCause.EXPIRED;
      case GeneralSecurityException _ -> FailureCause.CERTIFICATE;
      // Unseen by the provider (RFC 9113, 8.7): it reset the stream, or closes the connection and
      // has named an earlier stream as its last, which OkHttp tells in the same way.
      case StreamResetException r when r.errorCode == ErrorCode.REFUSED_STREAM ->
          FailureCause.STREAMS;
      case ConnectionShutdownException _ -> FailureCause.STREAMS;
      case SSLException _, UnknownServiceException _ -> FailureCause.TLS;
      case ProtocolException _ -> FailureCause.PROTOCOL;
      default -> null;
    };
  }

  /** The JDK has one class for a refusal, an unreachable network and the system's timeout. */
  private static FailureCause connect(ConnectException e) {
    String text = String.valueOf(e.getMessage());
    if (text.contains("unreachable")) {
      return FailureCause.ROUTE;
    }
    return text.contains("timed out") ? FailureCause.TIMEOUT : FailureCause.REFUSED;
  }
}
