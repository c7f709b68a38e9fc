package relay.model;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** SHA-256, as it is used for each request. */
public final class Sha256 {
  /** Never fed: to copy it costs less than to search through the security providers. */
  private static final MessageDigest EMPTY = found();

  private Sha256() {}

  /** A digest that was fed nothing yet. */
  public static MessageDigest begin() {
    try {
      return (MessageDigest) EMPTY.clone();
    } catch (CloneNotSupportedException e) {
      return found(); // of a security provider of the user's own
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
