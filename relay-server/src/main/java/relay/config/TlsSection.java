package relay.config;

import static relay.config.SchemaNode.section;
import static relay.config.SchemaNode.text;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import relay.config.PemBlocks.Block;
import relay.config.Value.Scalar;

/**
 * Reads {@code tls} sections, which name PEM files: a certificate chain with its private key, and
 * the authorities to trust.
 */
final class TlsSection {
  private static final List<String> KEY_TYPES = List.of("RSA", "EC", "EdDSA");
  private static final String CERTIFICATE_FORM =
      "a PEM file with the certificate, followed by its intermediate certificates";
  private static final String CA_FORM = "a PEM file with the certificates of the authorities";
  private static final String KEY_FORM =
      "a PEM file with an unencrypted key (BEGIN PRIVATE KEY, as openssl pkcs8 -topk8 -nocrypt"
          + " writes it, RSA PRIVATE KEY or EC PRIVATE KEY)";

  /** The TLS settings of the data plane. */
  static final SchemaNode SERVER_FORM =
      section("TLS for clients; absent = plain HTTP. Renewed files are read")
          .with(
              "certificate",
              text("PEM file: the server's certificate, then those that lead to its root")
                  .example("/etc/relay/chain.pem"))
          .with("private_key", text("PEM file: the unencrypted key").example("/etc/relay/key.pem"))
          .need("certificate", "private_key");

  /** To a provider. */
  static final SchemaNode PROVIDER_FORM =
      section("TLS to the provider. Renewed files are read")
          .with(
              "ca",
              text("PEM file: the authorities to trust instead of the JVM's")
                  .example("/etc/relay/ca.pem"))
          .with(
              "certificate",
              text("PEM file: what Relay shows to a provider that asks, then its intermediates")
                  .example("/etc/relay/relay.pem"))
          .with(
              "private_key", text("PEM file: its unencrypted key").example("/etc/relay/relay.key"));

  static final SchemaNode REDIS_FORM =
      section("For rediss://, and for redis-sentinel:// with TLS")
          .with("ca", text("PEM file: the certificates that sign the server's; absent = Java's"))
          .with("certificate", text("PEM file: Relay's own certificate, and its chain"))
          .with("private_key", text("PEM file: its unencrypted key"));

  private TlsSection() {}

  /** A server's certificate. Null after a fault. */
  static @Nullable TlsConfig read(Section tls) {
    Value certificate = tls.need("certificate", "give " + CERTIFICATE_FORM);
    Value key = tls.need("private_key", "give " + KEY_FORM);
    tls.done();
    return own(certificate, key);
  }

  /** Whom to trust, and what to show to a server that asks for a certificate. */
  static OutboundTls outbound(Section tls) {
    Value ca = tls.take("ca");
    Value certificate = tls.take("certificate");
    Value key = tls.take("private_key");
    if (certificate == null && key != null) {
      tls.missing("certificate", "give " + CERTIFICATE_FORM);
    } else if (certificate != null && key == null) {
      tls.missing("private_key", "give " + KEY_FORM);
    }
    tls.done();
    List<X509Certificate> authorities = ca == null ? List.of() : certificates(ca, CA_FORM);
    if (ca != null && !authorities.isEmpty() && authorities.stream().allMatch(TlsSection::over)) {
      ca.refuse("names a file in which every certificate has expired", CA_FORM);
    }
    TlsConfig own = own(certificate, key);
    if (certificate != null && own != null && own.isExpired()) {
      certificate.refuse(
          "names a certificate that expired on " + own.expires().toString().substring(0, 10),
          "a renewed one");
    }
    return new OutboundTls(authorities, own);
  }

  private static boolean over(X509Certificate certificate) {
    return certificate.getNotAfter().toInstant().isBefore(Instant.now());
  }

  private static @Nullable TlsConfig own(@Nullable Value certificate, @Nullable Value key) {
    List<X509Certificate> chain =
        certificate == null ? List.of() : certificates(certificate, CERTIFICATE_FORM);
    PrivateKey privateKey = key == null ? null : privateKey(key);
    if (key == null || privateKey == null || chain.isEmpty()) {
      return null;
    }
    if (!keyMatches(chain.getFirst(), privateKey)) {
      key.fault(
          "names a key that does not match the first certificate",
          "give the certificate and its own key");
      return null;
    }
    return new TlsConfig(chain, privateKey);
  }

  private static List<X509Certificate> certificates(Value value, String form) {
    List<Block> blocks = blocks(value, form);
    if (blocks == null) {
      return List.of();
    }
    List<X509Certificate> chain = new ArrayList<>();
    try {
      CertificateFactory factory = CertificateFactory.getInstance("X.509");
      for (Block block : blocks) {
        if (block.label().equals("CERTIFICATE")) {
          var der = new ByteArrayInputStream(block.der());
          chain.add((X509Certificate) factory.generateCertificate(der));
        }
      }
    } catch (GeneralSecurityException e) {
      value.refuse("names a file with a certificate that cannot be read", form);
      return List.of();
    }
    if (chain.isEmpty()) {
      value.refuse("names a file without a certificate", form);
    }
    return chain;
  }

  private static @Nullable PrivateKey privateKey(Value value) {
    List<Block> blocks = blocks(value, KEY_FORM);
    if (blocks == null) {
      return null;
    }
    for (Block block : blocks) {
      String label = block.label();
      boolean older = label.equals(OlderKeyForm.RSA) || label.equals(OlderKeyForm.EC);
      if (older || label.equals("PRIVATE KEY")) {
        byte[] der = older ? OlderKeyForm.toPkcs8(label, block.der()) : block.der();
        PrivateKey key = der == null ? null : pkcs8(der);
        if (key == null) {
          value.refuse("names a file with a key that cannot be read", KEY_FORM);
        }
        return key;
      }
    }
    boolean other = blocks.stream().anyMatch(block -> block.label().endsWith("PRIVATE KEY"));
    value.refuse(
        other ? "names a key in an unsupported format" : "names a file without a private key",
        KEY_FORM);
    return null;
  }

  /** The encoded key names its type. Each factory rejects keys of other types, so try them all. */
  private static @Nullable PrivateKey pkcs8(byte[] der) {
    for (String type : KEY_TYPES) {
      try {
        return KeyFactory.getInstance(type).generatePrivate(new PKCS8EncodedKeySpec(der));
      } catch (GeneralSecurityException e) {
        // another type: try the next
      }
    }
    return null;
  }

  private static boolean keyMatches(X509Certificate certificate, PrivateKey key) {
    String algorithm =
        switch (key.getAlgorithm()) {
          case "RSA" -> "SHA256withRSA";
          case "EC" -> "SHA256withECDSA";
          default -> "EdDSA";
        };
    byte[] sample = {1, 2, 3};
    try {
      Signature signature = Signature.getInstance(algorithm);
      signature.initSign(key);
      signature.update(sample);
      byte[] signed = signature.sign();
      signature.initVerify(certificate.getPublicKey());
      signature.update(sample);
      return signature.verify(signed);
    } catch (GeneralSecurityException e) {
      return false; // key and certificate have different types
    }
  }

  private static @Nullable List<Block> blocks(Value value, String form) {
    Scalar scalar = value.text(form);
    if (scalar == null) {
      return null;
    }
    String file = scalar.shown().equals("the value") ? "a file" : "the file " + scalar.shown();
    try {
      byte[] bytes = value.readFile(scalar.text(), PemBlocks.MAX_BYTES + 1);
      if (bytes.length <= PemBlocks.MAX_BYTES) {
        return PemBlocks.of(bytes);
      }
      value.refuse("names " + file + ", which is too long", form);
    } catch (IOException e) {
      value.refuse("names " + file + ", which " + FileReader.reason(e), form);
    } catch (InvalidPathException e) {
      value.refuse("names a file with an invalid name", form);
    } catch (IllegalArgumentException e) {
      value.refuse("names " + file + ", which is not PEM", form);
    }
    return null;
  }
}
