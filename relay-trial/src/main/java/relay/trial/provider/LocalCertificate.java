package relay.trial.provider;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/**
 * A new key and a self-signed certificate for 127.0.0.1, good for some days. The JDK has no API to
 * sign one, so its keytool does it.
 */
public final class LocalCertificate {
  private static final String PASSWORD = "unused-outside-the-file";
  private static final String ALIAS = "local";

  private final KeyStore keys;
  private final Path pem;

  private LocalCertificate(KeyStore keys, Path pem) {
    this.keys = keys;
    this.pem = pem;
  }

  /**
   * Makes one.
   *
   * @param directory for its files, which must not exist yet
   */
  public static LocalCertificate in(Path directory) throws IOException {
    Path file = directory.resolve("provider.p12");
    Process keytool = new ProcessBuilder(command(file)).redirectErrorStream(true).start();
    String says = keytool.inputReader().readAllAsString();
    if (keytool.onExit().join().exitValue() != 0) {
      throw new IOException("keytool: " + says.strip());
    }
    try (InputStream in = Files.newInputStream(file, StandardOpenOption.DELETE_ON_CLOSE)) {
      KeyStore keys = KeyStore.getInstance("PKCS12");
      keys.load(in, PASSWORD.toCharArray());
      Base64.Encoder lines = Base64.getMimeEncoder(64, new byte[] {'\n'});
      String certificate = lines.encodeToString(keys.getCertificate(ALIAS).getEncoded());
      Path pem = directory.resolve("provider.pem");
      Files.writeString(
          pem, "-----BEGIN CERTIFICATE-----\n" + certificate + "\n-----END CERTIFICATE-----\n");
      return new LocalCertificate(keys, pem);
    } catch (GeneralSecurityException e) {
      throw new IOException("cannot read what keytool made", e);
    }
  }

  private static List<String> command(Path file) {
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
        "-genkeypair",
        "-keystore",
        file.toString(),
        "-storetype",
        "PKCS12",
        "-storepass",
        PASSWORD,
        "-alias",
        ALIAS,
        "-keyalg",
        "EC",
        "-groupname",
        "secp256r1",
        "-dname",
        "CN=127.0.0.1",
        "-ext",
        "san=ip:127.0.0.1,dns:localhost",
        "-validity",
        "7");
  }

  /** What a client must trust: the value of {@code providers[].tls.ca}. */
  public Path pem() {
    return pem;
  }

  /** Deletes the file of {@link #pem}. */
  public void delete() throws IOException {
    Files.delete(pem);
  }

  /** For a server with this certificate. */
  public SSLContext serverContext() throws IOException {
    try {
      KeyManagerFactory managers =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      managers.init(keys, PASSWORD.toCharArray());
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(managers.getKeyManagers(), null, null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IOException("this JVM cannot serve TLS", e);
    }
  }
}
