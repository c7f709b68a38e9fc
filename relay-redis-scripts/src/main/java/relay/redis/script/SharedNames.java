package relay.redis.script;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Names of keys and groups in replies, each made once while it is in use: every lease holds two of
 * them. A lost update only makes a name again.
 */
final class SharedNames {
  private static final int MOST = 1024; // a power of two

  private static final @Nullable Name[] TABLE = new Name[MOST];

  private static final class Name {
    final byte[] bytes;
    final String text;

    Name(byte[] bytes) {
      this.bytes = bytes;
      text = new String(bytes, StandardCharsets.UTF_8);
    }
  }

  private SharedNames() {}

  static String of(byte[] bytes) {
    int hash = Arrays.hashCode(bytes);
    int place = (hash ^ hash >>> 16) & (MOST - 1);
    Name known = TABLE[place];
    if (known == null || !Arrays.equals(known.bytes, bytes)) {
      known = new Name(bytes);
      TABLE[place] = known;
    }
    return known.text;
  }
}
