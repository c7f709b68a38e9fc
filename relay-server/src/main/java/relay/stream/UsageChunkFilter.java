package relay.stream;

import java.util.Arrays;

/**
 * Removes the effects of a usage request that Relay added to an OpenAI stream: the final usage
 * chunk with empty {@code choices}, and {@code "usage":null} in other chunks. All other bytes pass
 * unchanged.
 *
 * <p>An event passes as soon as it is complete. At most one event is held; an event longer than
 * {@link #MAX_EVENT_BYTES} passes unchanged. Not thread-safe.
 */
public final class UsageChunkFilter {
  /** The most bytes held back. */
  public static final int MAX_EVENT_BYTES = 64 * 1024;

  private static final KeywordSearch USAGE = new KeywordSearch("\"usage\"");
  private static final byte[] BOM = {(byte) 0xef, (byte) 0xbb, (byte) 0xbf};

  private final ChunkShape shape = new ChunkShape();

  private byte[] held = new byte[0];
  private int heldLength;
  private byte[] output = new byte[0];
  private int outputLength;

  private boolean lineEmpty = true;
  private boolean skipLineFeed; // the last byte was a CR: an LF now belongs to it
  private boolean dropped; // the last event was removed
  private boolean passing; // the current event is too long to hold

  /**
   * Reads the next bytes of the stream; the buffer is not kept.
   *
   * @return the number of bytes of {@link #output} to send now; may be 0
   */
  public int filter(byte[] buf, int off, int len) {
    outputLength = 0;
    int end = off + len;
    int event = off;
    int p = off;
    if (skipLineFeed && len > 0) {
      skipLineFeed = false;
      if (buf[p] == '\n') {
        p++;
        if (heldLength == 0 && !passing) {
          emit(buf, off, dropped ? off : p);
          event = p;
        }
      }
    }
    while (true) {
      int stop = ByteSearch.lineEnd(buf, p, end);
      boolean empty = lineEmpty && stop == p;
      if (stop == end) {
        lineEmpty = empty;
        break;
      }
      p = stop + 1;
      if (buf[stop] == '\r') {
        skipLineFeed = p == end;
        p += p < end && buf[p] == '\n' ? 1 : 0;
      }
      lineEmpty = true;
      if (empty) {
        endEvent(buf, event, p);
        event = p;
      }
    }
    hold(buf, event, end);
    return outputLength;
  }

  /**
   * Whether nothing is held and the next bytes are complete events without usage. Such bytes may be
   * sent without calling {@link #filter}.
   */
  public boolean passes(byte[] buf, int off, int len) {
    return heldLength == 0
        && !passing
        && !skipLineFeed
        && endsEvent(buf, off, off + len)
        && !USAGE.in(buf, off, off + len);
  }

  private static boolean endsEvent(byte[] buf, int from, int end) {
    return end - from > 3
        && buf[end - 1] == '\n'
        && (buf[end - 2] == '\n'
            || (buf[end - 2] == '\r' && buf[end - 3] == '\n' && buf[end - 4] == '\r'));
  }

  /** Ends the stream: held bytes pass unchanged. Returns as {@link #filter}. */
  public int end() {
    outputLength = 0;
    emit(held, 0, heldLength);
    heldLength = 0;
    return outputLength;
  }

  /** The bytes to send; valid until the next call. */
  public byte[] output() {
    return output;
  }

  private void hold(byte[] buf, int from, int end) {
    if (!passing && heldLength + (end - from) > MAX_EVENT_BYTES) {
      passing = true;
      emit(held, 0, heldLength);
      heldLength = 0;
    }
    if (passing) {
      emit(buf, from, end);
      return;
    }
    held = append(held, heldLength, buf, from, end);
    heldLength += end - from;
  }

  private void endEvent(byte[] buf, int from, int end) {
    dropped = false;
    if (heldLength > 0) {
      hold(buf, from, end);
      if (!passing) {
        event(held, 0, heldLength);
        heldLength = 0;
      }
    } else if (passing) {
      emit(buf, from, end);
    } else {
      event(buf, from, end);
    }
    passing = false;
  }

  private void event(byte[] buf, int from, int end) {
    if (!USAGE.in(buf, from, end)) {
      emit(buf, from, end);
      return;
    }
    int data = walk(buf, from, end);
    if (shape.onlyUsage()) {
      dropped = true;
    } else if (data >= 0 && shape.nullUsage()) {
      withoutUsage(buf, from, data + (int) shape.usageStart, data + (int) shape.usageEnd, end);
    } else {
      emit(buf, from, end);
    }
  }

  /** Parses the event's data; returns its start, or -1 if it spans several lines. */
  private int walk(byte[] buf, int from, int end) {
    shape.reset();
    int lines = 0;
    int data = -1;
    int start = from;
    if (end - from > BOM.length
        && Arrays.equals(buf, from, from + BOM.length, BOM, 0, BOM.length)) {
      start += BOM.length;
    }
    for (int line = start; line < end; ) {
      int stop = ByteSearch.lineEnd(buf, line, end);
      if (stop - line >= 5 && isData(buf, line)) {
        data = buf[line + 5] == ' ' ? line + 6 : line + 5;
        if (lines++ > 0) {
          shape.feed(new byte[] {'\n'}, 0, 1);
        }
        shape.feed(buf, data, stop);
      }
      line = stop + 1;
    }
    return lines == 1 ? data : -1;
  }

  private static boolean isData(byte[] buf, int p) {
    return buf[p] == 'd'
        && buf[p + 1] == 'a'
        && buf[p + 2] == 't'
        && buf[p + 3] == 'a'
        && buf[p + 4] == ':';
  }

  /** Emits the event without the member and one adjacent comma. */
  private void withoutUsage(byte[] buf, int from, int member, int memberEnd, int end) {
    int before = member - 1;
    while (buf[before] == ' ' || buf[before] == '\t') {
      before--;
    }
    int after = memberEnd;
    if (buf[before] == ',') {
      emit(buf, from, before);
    } else {
      emit(buf, from, member);
      while (buf[after] == ' ' || buf[after] == '\t') {
        after++;
      }
      after += buf[after] == ',' ? 1 : 0;
    }
    emit(buf, after, end);
  }

  private void emit(byte[] buf, int from, int end) {
    output = append(output, outputLength, buf, from, end);
    outputLength += end - from;
  }

  private static byte[] append(byte[] to, int length, byte[] buf, int from, int end) {
    int needed = length + (end - from);
    byte[] room = needed > to.length ? Arrays.copyOf(to, Math.max(needed, 2 * length)) : to;
    System.arraycopy(buf, from, room, length, end - from);
    return room;
  }
}
