package relay.model;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** SHA-256 digests, cheap enough for every request. */
public final class Sha256 {
  /** An empty digest to clone: cheaper than a search through the security providers. */
  private static final MessageDigest EMPTY = found();

  private Sha256() {}

  /** A new, empty digest. */
  public static MessageDigest begin() {
    try {
      return (MessageDigest) EMPTY.clone();
    } catch (CloneNotSupportedException e) {
      return found(); // a custom security provider without clone support
    }
  }

  private static MessageDigest found() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
