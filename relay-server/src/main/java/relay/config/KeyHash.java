package relay.config;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import relay.model.Sha256;

/**
 * The SHA-256 of a credential. It prints as its first 8 hex digits: the whole hash of a weak
 * credential could be guessed back.
 */
public final class KeyHash {
  private static final int BYTES = 32;
  private static final int ID_DIGITS = 8;

  private final byte[] digest;

  private KeyHash(byte[] digest) {
    this.digest = digest;
  }

  /** The hash of a credential, as UTF-8. */
  public static KeyHash of(String credential) {
    return new KeyHash(Sha256.begin().digest(credential.getBytes(StandardCharsets.UTF_8)));
  }

  /**
   * The hash that 64 hexadecimal digits state.
   *
   * @throws IllegalArgumentException if they are not 64 hexadecimal digits
   */
  public static KeyHash ofHex(String hex) {
    byte[] digest = HexFormat.of().parseHex(hex);
    if (digest.length != BYTES) {
      throw new IllegalArgumentException("a SHA-256 has 64 hexadecimal digits");
    }
    return new KeyHash(digest);
  }

  /** A copy of the 32 bytes. */
  public byte[] bytes() {
    return digest.clone();
  }

  /** The first 8 hex digits: the id of a key that was given none. */
  public String id() {
    return HexFormat.of().formatHex(digest).substring(0, ID_DIGITS);
  }

  /** Compares in constant time. */
  @Override
  public boolean equals(Object other) {
    return other instanceof KeyHash hash && MessageDigest.isEqual(digest, hash.digest);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(digest);
  }

  @Override
  public String toString() {
    return id();
  }
}
