package relay;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;
import java.util.Map;

/** Header lines as HPACK's literals, without Huffman's code: RFC 7541, section 6.2. */
public final class HeaderBlock {
  private static final int ADDED = 0x40;
  private static final int RESIZED = 0x20;

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  /** A block of lines that stay out of the table. */
  public static byte[] of(Map<String, String> lines) {
    HeaderBlock block = new HeaderBlock();
    lines.forEach(block::line);
    return block.bytes();
  }

  /** A line that stays out of the table. */
  public HeaderBlock line(String name, String value) {
    return literal(0, name, value);
  }

  /** As {@link #line}, but it becomes the newest of the table. */
  public HeaderBlock added(String name, String value) {
    return literal(ADDED, name, value);
  }

  /** A change of the table's size: section 6.3. */
  public HeaderBlock resized(int size) {
    number(RESIZED, 31, size);
    return this;
  }

  /** The block so far. */
  public byte[] bytes() {
    return bytes.toByteArray();
  }

  private HeaderBlock literal(int kind, String name, String value) {
    bytes.write(kind);
    string(name);
    string(value);
    return this;
  }

  private void string(String text) {
    number(0, 127, text.length());
    bytes.writeBytes(text.getBytes(ISO_8859_1));
  }

  /** Section 5.1. */
  private void number(int kind, int prefix, int number) {
    bytes.write(kind | Math.min(prefix, number));
    int rest = number - prefix;
    if (rest >= 0) {
      for (; rest >= 128; rest >>= 7) {
        bytes.write((rest & 127) | 128);
      }
      bytes.write(rest);
    }
  }
}
