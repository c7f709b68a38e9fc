package relay.config;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.interfaces.ECPrivateKey;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import okhttp3.tls.HeldCertificate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TlsSectionTest {
  private static final HeldCertificate ROOT =
      new HeldCertificate.Builder().certificateAuthority(0).rsa2048().build();
  private static final HeldCertificate LEAF = new HeldCertificate.Builder().signedBy(ROOT).build();
  private static final HeldCertificate OLD =
      new HeldCertificate.Builder().validityInterval(0, 1_000_000_000_000L).build();
  private static final Map<String, String> FILES = files();

  private static Map<String, String> files() {
    String broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    Map<String, String> files = new HashMap<>();
    files.put("old.pem", OLD.certificatePem());
    files.put("old.key", OLD.privateKeyPkcs8Pem());
    files.put("chain.pem", "the leaf:\n" + LEAF.certificatePem() + ROOT.certificatePem());
    files.put("leaf.key", LEAF.privateKeyPkcs8Pem());
    files.put("root.pem", ROOT.certificatePem().replace("\n", "\r\n"));
    files.put("root.key", ROOT.privateKeyPkcs8Pem());
    files.put("pkcs1.key", ROOT.privateKeyPkcs1Pem());
    files.put("sec1.key", sec1(LEAF));
    files.put("cut.key", sec1(LEAF).replace("MDE", "MDI"));
    files.put("encrypted.key", ROOT.privateKeyPkcs8Pem().replace("PRIVATE", "ENCRYPTED PRIVATE"));
    files.put("broken.pem", broken);
    files.put("broken.key", broken.replace("CERTIFICATE", "PRIVATE KEY"));
    files.put("text.pem", "not PEM at all");
    files.put("odd.pem", "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n");
    files.put("long.pem", "x".repeat(300_000));
    return files;
  }

  /** The format of {@code openssl ecparam -name prime256v1 -genkey}. */
  private static String sec1(HeldCertificate held) {
    byte[] number = ((ECPrivateKey) held.keyPair().getPrivate()).getS().toByteArray();
    String digits = HexFormat.of().formatHex(number);
    String secret = "0".repeat(64).concat(digits).substring(digits.length());
    byte[] der = HexFormat.of().parseHex("30310201010420" + secret + "a00a06082a8648ce3d030107");
    return "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
        + "-----BEGIN EC PRIVATE KEY-----\n"
        + Base64.getMimeEncoder().encodeToString(der)
        + "\n-----END EC PRIVATE KEY-----\n";
  }

  private static Loaded load(String certificate, String key) {
    String yaml =
        "server:\n  tls:\n    certificate: %s\n    private_key: %s\n".formatted(certificate, key)
            + Given.PROVIDERS;
    return parse(yaml);
  }

  private static Loaded parse(String yaml) {
    return ConfigFile.parse(
        Path.of("dir", "relay.yaml"),
        yaml,
        Map.of(),
        (path, most) -> {
          String file = FILES.get(path.getFileName().toString());
          if (file == null || !path.startsWith("dir")) {
            throw new NoSuchFileException(path.toString());
          }
          byte[] bytes = file.getBytes(US_ASCII);
          return Arrays.copyOf(bytes, Math.min(bytes.length, most));
        });
  }

  @ParameterizedTest
  @CsvSource({
    "chain.pem,leaf.key,2,EC",
    "root.pem,root.key,1,RSA",
    "root.pem,pkcs1.key,1,RSA",
    "chain.pem,sec1.key,2,EC"
  })
  void a_certificate_with_its_key_is_accepted(
      String certificate, String key, int length, String type) {
    Loaded loaded = load(certificate, key);
    TlsConfig tls = loaded instanceof Loaded.Valid(Config config) ? config.server().tls() : null;
    assertNotNull(tls, loaded.toString());
    assertEquals(length, tls.chain().size());
    assertEquals(type, tls.privateKey().getAlgorithm());
    assertFalse(tls.toString().contains("rivate"), tls.toString());
  }

  @ParameterizedTest
  @CsvSource({
    "none.pem,leaf.key,3:18: server.tls.certificate: names the file `none.pem`; which does not"
        + " exist",
    "text.pem,leaf.key,3:18: server.tls.certificate: names a file without a certificate",
    "odd.pem,leaf.key,3:18: server.tls.certificate: names the file `odd.pem`; which is not PEM",
    "broken.pem,leaf.key,3:18: server.tls.certificate: names a file with a certificate that cannot"
        + " be read",
    "long.pem,leaf.key,3:18: server.tls.certificate: names the file `long.pem`; which is too long",
    "chain.pem,none.key,4:18: server.tls.private_key: names the file `none.key`; which does not"
        + " exist",
    "chain.pem,text.pem,4:18: server.tls.private_key: names a file without a private key",
    "chain.pem,broken.key,4:18: server.tls.private_key: names a file with a key that cannot be"
        + " read",
    "chain.pem,cut.key,4:18: server.tls.private_key: names a file with a key that cannot be read",
    "chain.pem,pkcs1.key,4:18: server.tls.private_key: names a key that does not match the first"
        + " certificate",
    "chain.pem,encrypted.key,4:18: server.tls.private_key: names a key in an unsupported format",
    "chain.pem,root.key,4:18: server.tls.private_key: names a key that does not match the first"
        + " certificate"
  })
  void invalid_files_are_reported_at_their_place(String certificate, String key, String fault) {
    List<String> faults = Given.lines(load(certificate, key));
    assertEquals(1, faults.size(), faults.toString());
    String wanted = Path.of("dir", "relay.yaml") + ":" + fault.replace(";", ",");
    assertTrue(faults.getFirst().startsWith(wanted + "; "), faults + "\nwanted " + wanted);
  }

  private static Loaded outbound(String settings) {
    return parse("providers: [{name: a, type: openai, keys: [{key: k}], tls: {" + settings + "}}]");
  }

  @Test
  void a_provider_may_have_authorities_and_a_certificate_of_relays() {
    Loaded loaded = outbound("ca: root.pem, certificate: chain.pem, private_key: leaf.key");
    OutboundTls tls =
        loaded instanceof Loaded.Valid(Config config)
            ? config.providers().getFirst().access().tls()
            : OutboundTls.DEFAULT;
    assertEquals(List.of(ROOT.certificate()), tls.authorities(), loaded.toString());
    assertEquals(
        List.of(LEAF.certificate(), ROOT.certificate()), Objects.requireNonNull(tls.own()).chain());
  }

  @ParameterizedTest
  @CsvSource({
    "'ca: old.pem',ca: names a file in which every certificate has expired",
    "'certificate: old.pem, private_key: old.key',certificate: names a certificate that expired on"
        + " 2001-09-09",
    "'certificate: chain.pem, private_key: root.key',private_key: names a key that does not match"
        + " the first certificate"
  })
  void certificates_of_no_use_are_reported(String settings, String fault) {
    List<String> faults = Given.lines(outbound(settings));
    assertEquals(1, faults.size(), faults.toString());
    assertTrue(faults.getFirst().contains("providers[0].tls." + fault + "; "), faults.toString());
  }

  @Test
  void both_files_are_required() {
    List<String> faults = Given.faults("server: { tls: { certificate: a } }\n" + Given.PROVIDERS);
    assertTrue(
        faults.stream().anyMatch(f -> f.contains("server.tls.private_key: is missing")),
        faults.toString());
  }
}
