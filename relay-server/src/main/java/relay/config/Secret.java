package relay.config;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;

/**
 * A credential. It prints as {@code ***}, so that no log line and no record shows it by accident.
 */
public final class Secret {
  private final String value;

  public Secret(String value) {
    this.value = value;
  }

  /** The credential itself: for the header or the command that needs it, and nothing else. */
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
