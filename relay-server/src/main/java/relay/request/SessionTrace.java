package relay.request;

import java.security.MessageDigest;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;
import relay.model.Sha256;

/**
 * What tells a conversation from others, found while its body is read: what the client states, else
 * a hash of what stays the same from turn to turn, which is also what a provider's prompt cache
 * begins with: system prompt, tools, and the messages up to the first of the user.
 *
 * <p>Only strings count, so that neither spaces nor a mark of the cache, which clients move from
 * turn to turn, make another conversation. What the client states is hashed as well: it may be a
 * person's name, and it goes to Redis.
 */
final class SessionTrace {
  /** Of a longer string its two ends and its length count. */
  static final int WHOLE_BYTES = 16 * 1024;

  private static final int ID_BYTES = 16;

  private final @Nullable MessageDigest prefix;
  private @Nullable MessageDigest stated;
  private int statedRank;
  private boolean open;
  private boolean any;

  private SessionTrace(@Nullable MessageDigest prefix) {
    this.prefix = prefix;
  }

  /** Finds nothing and costs nothing. */
  static SessionTrace off() {
    return new SessionTrace(null);
  }

  static SessionTrace on() {
    return new SessionTrace(Sha256.begin());
  }

  /**
   * What follows is, or is not, of the stable prefix.
   *
   * @return whether it was before
   */
  boolean open(boolean now) {
    boolean before = open;
    open = now && prefix != null;
    return before;
  }

  boolean isOpen() {
    return open;
  }

  /** A string of the prefix, as it stands in the body. */
  void add(byte[] body, int start, int end) {
    if (prefix != null && stated == null) {
      any = true;
      update(prefix, body, start, end);
    }
  }

  /**
   * The client names the conversation.
   *
   * @param rank from 1 up; the higher counts where several are stated
   */
  void state(int rank, byte[] body, int start, int end) {
    if (prefix != null && end > start && rank > statedRank) {
      statedRank = rank;
      stated = Sha256.begin();
      update(stated, body, start, end);
    }
  }

  /** 32 hexadecimal digits, or empty if nothing tells the conversation from others. */
  String id() {
    MessageDigest digest = stated != null ? stated : prefix;
    return digest == null || (stated == null && !any)
        ? ""
        : HexFormat.of().formatHex(digest.digest(), 0, ID_BYTES);
  }

  private static void update(MessageDigest digest, byte[] body, int start, int end) {
    int length = end - start;
    for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
      digest.update((byte) (length >>> shift));
    }
    if (length <= WHOLE_BYTES) {
      digest.update(body, start, length);
    } else {
      digest.update(body, start, WHOLE_BYTES / 2);
      digest.update(body, end - WHOLE_BYTES / 2, WHOLE_BYTES / 2);
    }
  }
}
