package relay.config;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Converts the private key formats that predate PKCS#8 and are still in use: PKCS#1 (RFC 8017) for
 * RSA, SEC 1 (RFC 5915) for elliptic curves. PKCS#8 (RFC 5958) wraps the same bytes and adds the
 * algorithm's identifier.
 */
final class OlderKeyForm {
  static final String RSA = "RSA PRIVATE KEY";
  static final String EC = "EC PRIVATE KEY";

  private static final int INTEGER = 0x02;
  private static final int OCTETS = 0x04;
  private static final int SEQUENCE = 0x30;
  private static final int CURVE = 0xa0; // [0]
  private static final byte[] ZERO = HexFormat.of().parseHex("020100");
  private static final byte[] ONE = HexFormat.of().parseHex("020101");
  private static final byte[] RSA_ENCRYPTION =
      HexFormat.of().parseHex("06092a864886f70d0101010500");
  private static final byte[] EC_PUBLIC_KEY = HexFormat.of().parseHex("06072a8648ce3d0201");

  private OlderKeyForm() {}

  /**
   * Converts a key to PKCS#8.
   *
   * @param label the PEM block's label
   * @return null if the key has neither format, or does not name its curve
   */
  static byte @Nullable [] toPkcs8(String label, byte[] der) {
    return switch (label) {
      case RSA -> pkcs8(RSA_ENCRYPTION, der);
      case EC -> ofCurve(der);
      default -> null;
    };
  }

  private static byte @Nullable [] ofCurve(byte[] der) {
    ByteBuffer parts = content(ByteBuffer.wrap(der), SEQUENCE);
    if (parts == null || content(parts, INTEGER) == null) { // the version field
      return null;
    }
    ByteBuffer secret = content(parts, OCTETS);
    ByteBuffer curve = secret == null ? null : content(parts, CURVE);
    if (secret == null || curve == null) {
      return null;
    }
    // The algorithm identifier names the curve. Omit it from the inner key: the JDK rejects a
    // second copy.
    byte[] key = tagged(SEQUENCE, join(ONE, tagged(OCTETS, bytes(secret))));
    return pkcs8(join(EC_PUBLIC_KEY, bytes(curve)), key);
  }

  private static byte[] pkcs8(byte[] algorithm, byte[] key) {
    return tagged(SEQUENCE, join(ZERO, tagged(SEQUENCE, algorithm), tagged(OCTETS, key)));
  }

  /**
   * Consumes the next DER value and returns its content; null if its tag differs or it is
   * malformed.
   */
  private static @Nullable ByteBuffer content(ByteBuffer der, int tag) {
    if (der.remaining() < 2 || (der.get() & 0xff) != tag) {
      return null;
    }
    int length = der.get() & 0xff;
    if (length > 0x80) {
      int digits = length - 0x80;
      if (digits > 2 || der.remaining() < digits) {
        return null;
      }
      length = 0;
      for (int n = 0; n < digits; n++) {
        length = (length << 8) | (der.get() & 0xff);
      }
    }
    if (length > der.remaining()) {
      return null;
    }
    ByteBuffer content = der.slice(der.position(), length);
    der.position(der.position() + length);
    return content;
  }

  /**
   * Encodes a DER value. The length takes the fewest bytes possible: the JDK rejects longer forms.
   */
  private static byte[] tagged(int tag, byte[] content) {
    int n = content.length;
    byte[] head =
        n < 0x80
            ? new byte[] {(byte) tag, (byte) n}
            : n < 0x100
                ? new byte[] {(byte) tag, (byte) 0x81, (byte) n}
                : n < 0x10000
                    ? new byte[] {(byte) tag, (byte) 0x82, (byte) (n >> 8), (byte) n}
                    : new byte[] {
                      (byte) tag, (byte) 0x83, (byte) (n >> 16), (byte) (n >> 8), (byte) n
                    };
    return join(head, content);
  }

  private static byte[] join(byte[]... parts) {
    int length = 0;
    for (byte[] part : parts) {
      length += part.length;
    }
    ByteBuffer all = ByteBuffer.allocate(length);
    for (byte[] part : parts) {
      all.put(part);
    }
    return all.array();
  }

  private static byte[] bytes(ByteBuffer of) {
    byte[] bytes = new byte[of.remaining()];
    of.get(bytes);
    return bytes;
  }
}
