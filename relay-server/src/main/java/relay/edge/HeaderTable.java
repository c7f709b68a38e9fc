package relay.edge;

import io.undertow.protocols.http2.HpackDecoder;
import io.undertow.protocols.http2.HpackException;
import io.undertow.util.HttpString;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** The lines that HPACK can refer to by a number: RFC 7541, section 2.3. */
final class HeaderTable {
  /** Relay announces no other size. */
  private static final int MAX_BYTES = 4096;

  /** The size of a line, beside its name and value: section 4.1. */
  private static final int LINE_BYTES = 32;

  private static final int STATIC_LINES = 61;
  private static final List<Line> STATIC = staticLines();

  private final List<Line> newestLast = new ArrayList<>();
  private int most = MAX_BYTES;
  private int bytes;

  /**
   * A header line.
   *
   * @param bytes its size as sent
   */
  record Line(HttpString name, String value, int bytes) {}

  private static List<Line> staticLines() {
    List<Line> lines = new ArrayList<>();
    HpackDecoder decoder = new HpackDecoder();
    decoder.setHeaderEmitter((name, value, _) -> lines.add(new Line(name, value, 0)));
    byte[] all = new byte[STATIC_LINES];
    for (int n = 0; n < STATIC_LINES; n++) {
      all[n] = (byte) (0x80 | (n + 1));
    }
    try {
      decoder.decode(ByteBuffer.wrap(all), false);
    } catch (HpackException e) {
      throw new IllegalStateException(e); // every decoder has them
    }
    return List.copyOf(lines);
  }

  /** The line of a number from 1. */
  Line line(int number) throws HpackException {
    if (number >= 1 && number <= STATIC_LINES) {
      return STATIC.get(number - 1);
    }
    int place = newestLast.size() + STATIC_LINES - number;
    if (number < 1 || place < 0) {
      throw new HpackException();
    }
    return newestLast.get(place);
  }

  /** Adds a line, and drops the oldest that have no room. */
  void add(HttpString name, String value, int nameBytes) {
    Line line = new Line(name, value, nameBytes + value.length() + LINE_BYTES);
    bytes += line.bytes();
    newestLast.add(line);
    trim();
  }

  /**
   * The client limits the table's size, in bytes. The oldest lines beyond the limit are dropped.
   */
  void resize(int next) throws HpackException {
    if (next > MAX_BYTES) {
      throw new HpackException();
    }
    most = next;
    trim();
  }

  private void trim() {
    while (bytes > most) {
      bytes -= newestLast.removeFirst().bytes();
    }
  }
}
