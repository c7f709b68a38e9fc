package relay.pipeline;

import java.io.IOException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import relay.stream.UsageChunkFilter;

/**
 * What was read of an answer and is not written yet. It is written before anything is waited for:
 * an event that came alone leaves at once, those that came together leave together.
 */
final class Outbox {
  /**
   * An event of a stream takes some hundred bytes, and thousands of streams wait for their next.
   */
  private static final int FIRST_BYTES = 1024;

  private static final int MOST_BYTES = 8 * 1024;

  private final RequestContext request;
  private final @Nullable UsageChunkFilter filter;
  private byte[] buffer = new byte[FIRST_BYTES];
  private int written;
  private int filled;
  private boolean gone;

  Outbox(RequestContext request, @Nullable UsageChunkFilter filter) {
    this.request = request;
    this.filter = filter;
  }

  /**
   * Before a read: what was written makes room. Not during one, though {@link #flushBeforeWaiting}
   * is called then: the read has been told its place. So what a read brings stands behind what was
   * written while it waited, and is moved here, or each event of a quiet stream would stand behind
   * the last, up to the most that is ever held.
   */
  void makeRoom() {
    if (written > 0) {
      int left = filled - written;
      boolean shrinks = buffer.length > FIRST_BYTES && left <= FIRST_BYTES / 2;
      byte[] next = shrinks ? new byte[FIRST_BYTES] : buffer;
      System.arraycopy(buffer, written, next, 0, left);
      buffer = next;
      written = 0;
      filled = left;
    }
  }

  /** Where to read to: {@link #room} bytes from {@link #filled} on. */
  byte[] buffer() {
    return buffer;
  }

  int filled() {
    return filled;
  }

  int room() {
    return buffer.length - filled;
  }

  /** Takes more, growing if it may; false if something must be written first. */
  boolean hasRoom() {
    if (filled == buffer.length && filled < MOST_BYTES) {
      buffer = Arrays.copyOf(buffer, 2 * filled);
    }
    return filled < buffer.length;
  }

  /** So many bytes were read to the buffer. */
  void add(int bytes) {
    filled += bytes;
  }

  /** For a place that can throw nothing: {@link #throwIfGone} does it afterwards. */
  void flushBeforeWaiting() {
    if (!gone) {
      try {
        flush();
      } catch (ClientGoneException e) {
        gone = true;
      }
    }
  }

  void throwIfGone() throws ClientGoneException {
    if (gone || request.cancellation().isClientGone()) {
      throw new ClientGoneException();
    }
  }

  /** Whether the next bytes of the answer may bypass this outbox: nothing is taken out of them. */
  boolean mayBypass(byte[] bytes, int offset, int length) {
    return !gone
        && !request.cancellation().isClientGone()
        && (filter == null || filter.passes(bytes, offset, length));
  }

  void flush() throws ClientGoneException {
    flushDirect();
    int from = written;
    written = filled;
    if (filter == null) {
      write(buffer, from, filled - from);
    } else {
      int passes = filter.filter(buffer, from, filled - from);
      write(filter.output(), 0, passes);
    }
  }

  void write(byte[] bytes) throws ClientGoneException {
    write(bytes, 0, bytes.length);
  }

  private void write(byte[] bytes, int offset, int length) throws ClientGoneException {
    if (length == 0) {
      return;
    }
    try {
      request.client().write(bytes, offset, length);
    } catch (IOException e) {
      throw clientGone();
    }
  }

  /** Writes what bypassed this outbox and the client has not taken yet. */
  private void flushDirect() throws ClientGoneException {
    try {
      request.client().flush();
    } catch (IOException e) {
      throw clientGone();
    }
  }

  private ClientGoneException clientGone() {
    request.cancellation().clientLeft(); // cancels the call to the provider, too
    return new ClientGoneException();
  }

  /** Writes the rest and ends the answer. */
  void end() throws ClientGoneException {
    if (filter == null) {
      flushDirect();
      request.client().end(buffer, written, filled - written);
    } else {
      flush();
      int passes = filter.end();
      request.client().end(filter.output(), 0, passes);
    }
  }
}
