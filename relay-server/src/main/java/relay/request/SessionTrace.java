package relay.request;

import java.security.MessageDigest;
import org.jspecify.annotations.Nullable;
import relay.model.SessionId;
import relay.model.Sha256;

/**
 * Derives a conversation's id during the scan. It is the cache key that the client states, else a
 * hash of the part that is the same in every turn: system prompt, tools, and the messages up to the
 * first user message. A provider's prompt cache starts with the same part. A stated user joins that
 * hash: a user may have many conversations, or a session many agents, and they need not be on one
 * account.
 *
 * <p>Only strings are hashed, so white space and cache markers, which clients move between turns,
 * do not change the id. A stated id is hashed too: it is stored in Redis and may be a person's
 * name.
 */
final class SessionTrace {
  /** The rank of an id that names a conversation by itself. */
  static final int ALONE = 3;

  private final @Nullable MessageDigest prefix;
  private final String known; // if there is no prefix
  private @Nullable MessageDigest stated;
  private int statedRank;
  private boolean open;
  private boolean any;

  private SessionTrace(@Nullable MessageDigest prefix, String known) {
    this.prefix = prefix;
    this.known = known;
  }

  /**
   * A trace of an id that is known already, at no cost.
   *
   * @param id empty for none
   */
  static SessionTrace of(String id) {
    return new SessionTrace(null, id);
  }

  /** A trace that derives the id. */
  static SessionTrace begin() {
    return new SessionTrace(Sha256.begin(), "");
  }

  /**
   * Sets whether the following strings belong to the stable prefix.
   *
   * @return the previous setting
   */
  boolean open(boolean now) {
    boolean before = open;
    open = now && prefix != null;
    return before;
  }

  boolean isOpen() {
    return open;
  }

  /** Adds a string of the prefix, undecoded. */
  void add(byte[] body, int start, int end) {
    if (prefix != null && statedRank < ALONE) {
      any = true;
      SessionId.add(prefix, body, start, end);
    }
  }

  /**
   * Adds an id stated by the client.
   *
   * @param rank from 1; the highest rank wins if several ids are stated. Below {@link #ALONE} it is
   *     one of a user
   */
  void state(int rank, byte[] body, int start, int end) {
    if (prefix != null && end > start && rank > statedRank) {
      statedRank = rank;
      stated = Sha256.begin();
      SessionId.add(stated, body, start, end);
    }
  }

  /** 32 hexadecimal digits, or empty if there is neither a known or stated id nor a prefix. */
  String id() {
    MessageDigest digest = stated != null ? stated : prefix;
    if (digest == null || (stated == null && !any)) {
      return known;
    }
    if (stated != null && prefix != null && statedRank < ALONE) {
      stated.update(prefix.digest());
    }
    return SessionId.of(digest);
  }
}
