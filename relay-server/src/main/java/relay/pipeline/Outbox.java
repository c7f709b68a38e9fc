package relay.pipeline;

import java.io.IOException;
import org.jspecify.annotations.Nullable;
import relay.stream.UsageChunkFilter;

/**
 * What was read of an answer and is not written yet. It is written before anything is waited for:
 * an event that came alone leaves at once, those that came together leave together.
 */
final class Outbox {
  private static final int BYTES = 8 * 1024;

  private final Handling handling;
  private final @Nullable UsageChunkFilter filter;
  private final byte[] buffer = new byte[BYTES];
  private int filled;
  private boolean gone;

  Outbox(Handling handling, @Nullable UsageChunkFilter filter) {
    this.handling = handling;
    this.filter = filter;
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
    if (gone || handling.isGone()) {
      throw new ClientGoneException();
    }
  }

  void flush() throws ClientGoneException {
    int length = filled;
    filled = 0;
    if (filter == null) {
      write(buffer, length);
    } else {
      int passes = filter.filter(buffer, 0, length);
      write(filter.output(), passes);
    }
  }

  void write(byte[] bytes, int length) throws ClientGoneException {
    if (length == 0) {
      return;
    }
    try {
      handling.client().write(bytes, 0, length);
    } catch (IOException e) {
      handling.clientLeft(); // which ends the call to the provider, too
      throw new ClientGoneException();
    }
  }

  /** Writes the rest and ends the answer. */
  void end() throws ClientGoneException {
    if (filter == null) {
      handling.client().end(buffer, 0, filled);
    } else {
      flush();
      int passes = filter.end();
      handling.client().end(filter.output(), 0, passes);
    }
  }
}
