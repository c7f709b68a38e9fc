package relay.config;

import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;

/** Service account key files in Google's format, with a test key pair. */
public final class ServiceAccounts {
  private static final KeyPair PAIR = pair();

  private ServiceAccounts() {}

  /** The key pair of every file. */
  public static KeyPair keyPair() {
    return PAIR;
  }

  /** A key file as one line, so that it fits into a variable. */
  public static String file(String tokenUrl) {
    byte[] der = PAIR.getPrivate().getEncoded();
    String key = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
    return """
    {"type": "service_account", "project_id": "p-1", "private_key_id": "key-1", \
    "private_key": "-----BEGIN PRIVATE KEY-----\\n%s\\n-----END PRIVATE KEY-----\\n", \
    "client_email": "relay@p-1.iam.gserviceaccount.com", "client_id": "1", \
    "token_uri": "%s"}\
    """
        .formatted(key.replace("\n", "\\n"), tokenUrl);
  }

  private static KeyPair pair() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
      generator.initialize(2048);
      return generator.generateKeyPair();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
