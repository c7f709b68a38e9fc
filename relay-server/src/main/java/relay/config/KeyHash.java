package relay.config;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import relay.model.Sha256;

/**
 * The SHA-256 of a credential. {@code toString} gives only the first 8 hex digits: a full hash
 * would allow a weak credential to be brute-forced.
 */
public final class KeyHash {
  private static final int BYTES = 32;
  private static final int ID_DIGITS = 8;

  private final byte[] digest;

  private KeyHash(byte[] digest) {
    this.digest = digest;
  }

  /** The hash of a credential's UTF-8 bytes. */
  public static KeyHash of(String credential) {
    return new KeyHash(Sha256.begin().digest(credential.getBytes(StandardCharsets.UTF_8)));
  }

  /**
   * Parses a hash from 64 hexadecimal digits.
   *
   * @throws IllegalArgumentException if the text is anything else
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

  /** The first 8 hex digits: the default id of a key. */
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
