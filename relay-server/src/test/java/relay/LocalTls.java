package relay;

import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.X509TrustManager;
import okhttp3.OkHttpClient;
import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;

/** A self-signed certificate for localhost, for both ends of a connection. */
public final class LocalTls {
  private final HeldCertificate certificate =
      new HeldCertificate.Builder().addSubjectAlternativeName("localhost").build();

  /** The server's socket factory. */
  public SSLSocketFactory server() {
    return new HandshakeCertificates.Builder()
        .heldCertificate(certificate)
        .build()
        .sslSocketFactory();
  }

  /** Trusts the certificate. */
  public X509TrustManager trust() {
    return certificates().trustManager();
  }

  private HandshakeCertificates certificates() {
    return new HandshakeCertificates.Builder()
        .addTrustedCertificate(certificate.certificate())
        .build();
  }

  /** A client that trusts the certificate. */
  public OkHttpClient.Builder client() {
    HandshakeCertificates trust = certificates();
    return new OkHttpClient.Builder()
        .sslSocketFactory(trust.sslSocketFactory(), trust.trustManager());
  }
}
