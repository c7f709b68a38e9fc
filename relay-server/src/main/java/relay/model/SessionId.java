package relay.model;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.MessageDigest;
import java.util.HexFormat;

/**
 * The id of a conversation, 32 hexadecimal digits. A name has the same one wherever a client states
 * it: in a header, in a body, or for a lease. It is a hash: it is stored in Redis, and a name may
 * be a person's.
 */
public final class SessionId {
  /** For longer strings only both ends and the length are hashed. */
  public static final int WHOLE_BYTES = 16 * 1024;

  private static final int ID_BYTES = 16;

  private SessionId() {}

  /** That of a name, which may have several parts. */
  public static String of(String... parts) {
    MessageDigest digest = Sha256.begin();
    for (String part : parts) {
      byte[] bytes = part.getBytes(UTF_8);
      add(digest, bytes, 0, bytes.length);
    }
    return of(digest);
  }

  /** That of all that was added to a digest. */
  public static String of(MessageDigest digest) {
    return HexFormat.of().formatHex(digest.digest(), 0, ID_BYTES);
  }

  /** Adds a string to a digest, with its length: so the parts of a name are told apart. */
  public static void add(MessageDigest digest, byte[] bytes, int start, int end) {
    int length = end - start;
    for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
      digest.update((byte) (length >>> shift));
    }
    if (length <= WHOLE_BYTES) {
      digest.update(bytes, start, length);
    } else {
      digest.update(bytes, start, WHOLE_BYTES / 2);
      digest.update(bytes, end - WHOLE_BYTES / 2, WHOLE_BYTES / 2);
    }
  }
}
