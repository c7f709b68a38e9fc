package relay.pipeline;

import java.io.IOException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import relay.stream.UsageChunkFilter;

/**
 * Answer bytes that are read and not yet written. They are written before each wait for the
 * provider: a single event leaves at once, events that arrive together leave together.
 */
final class Outbox {
  /** Thousands of streams hold a buffer while they wait, and an event has some hundred bytes. */
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
   * Removes written bytes, before a read. {@link #flushBeforeWaiting} runs during a read and cannot
   * do that: the read already has its offset. Without this, each event of a quiet stream would be
   * appended to the last one, and the buffer would grow to its maximum.
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

  /** The target of a read: {@link #room} bytes from {@link #filled} on. */
  byte[] buffer() {
    return buffer;
  }

  int filled() {
    return filled;
  }

  int room() {
    return buffer.length - filled;
  }

  /**
   * Whether another read fits, growing the buffer if allowed. If not, flush first.
   *
   * @param arrived bytes that the next reads find: the buffer grows to them at once
   */
  boolean hasRoom(long arrived) {
    if (filled == buffer.length && filled < MOST_BYTES) {
      long fits = Math.max(2L * filled, filled + arrived);
      buffer = Arrays.copyOf(buffer, (int) Math.min(fits, MOST_BYTES));
    }
    return filled < buffer.length;
  }

  /** Counts bytes that were read into the buffer. */
  void add(int bytes) {
    filled += bytes;
  }

  /** For a callback that must not throw: {@link #throwIfGone} reports a failure later. */
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

  /** Whether the next bytes of the answer may bypass this outbox: the filter removes nothing. */
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

  /** Writes bytes that bypassed this outbox and that the client has not taken yet. */
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
