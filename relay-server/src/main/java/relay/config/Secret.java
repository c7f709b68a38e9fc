package relay.config;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;

/** A credential. {@code toString} gives {@code ***}, so that it never reaches a log by accident. */
public final class Secret {
  private final String value;
  private final boolean isKnown;

  public Secret(String value) {
    this(value, true);
  }

  private Secret(String value, boolean isKnown) {
    this.value = value;
    this.isKnown = isKnown;
  }

  /** Stands for a secret that this process was not given. It equals no other one. */
  static Secret unknown(String path) {
    return new Secret("unknown: " + path, false);
  }

  /** Whether this process was given the secret. */
  boolean isKnown() {
    return isKnown;
  }

  /** The credential itself. Use it only to build the header or command that needs it. */
  public String reveal() {
    return value;
  }

  public KeyHash hash() {
    return KeyHash.of(value);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Secret secret
        && MessageDigest.isEqual(
            value.getBytes(StandardCharsets.UTF_8), secret.value.getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public int hashCode() {
    return hash().hashCode();
  }

  @Override
  public String toString() {
    return "***";
  }
}
