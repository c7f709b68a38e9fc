package relay.body;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * A body that passes to the provider while it arrives. It can be read once, so a request with it
 * can be sent once. Used by one thread at a time.
 */
public interface Upload {

  /** Bytes of the body; -1 if unknown. */
  long length();

  /**
   * Reads the next bytes; blocks until there is at least one. Returns -1 at the end.
   *
   * @throws IOException if there will be no more: {@link #fault} tells why
   */
  int read(byte[] buffer, int offset, int length) throws IOException;

  /** Its greatest permitted length. */
  int mostBytes();

  /** Whether any part of it was read, and so is gone. */
  boolean isSpent();

  /** Why it ended before its end; null if it did not. */
  @Nullable Fault fault();

  /** Gives memory back. It is not read afterwards. May be called twice. */
  void release();

  /** The client's fault. */
  enum Fault {
    /** It sent more than {@link #mostBytes}. */
    TOO_LARGE,
    /** It sent too slowly. */
    TOO_SLOW,
    /** The framing is broken, or the body is not as long as announced. */
    MALFORMED,
    /** It has left. */
    GONE
  }
}
