package relay.edge;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;

/** Header lines as HPACK's literals without compression: RFC 7541, section 6.2. */
final class HeaderBlock {
  private static final int ADDED = 0x40;
  private static final int RESIZED = 0x20;
  private static final int MOST_IN_PREFIX = 31;

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  /** A line that stays out of the table. Name and value are shorter than 127 bytes. */
  HeaderBlock line(String name, String value) {
    return literal(0, name, value);
  }

  /** As {@link #line}, but it becomes the newest of the table. */
  HeaderBlock added(String name, String value) {
    return literal(ADDED, name, value);
  }

  /** A change of the table's size to 31 to 158 bytes: section 6.3. */
  HeaderBlock resized(int size) {
    bytes.write(RESIZED | MOST_IN_PREFIX);
    bytes.write(size - MOST_IN_PREFIX);
    return this;
  }

  private HeaderBlock literal(int kind, String name, String value) {
    bytes.write(kind);
    bytes.write(name.length());
    bytes.writeBytes(name.getBytes(ISO_8859_1));
    bytes.write(value.length());
    bytes.writeBytes(value.getBytes(ISO_8859_1));
    return this;
  }

  byte[] bytes() {
    return bytes.toByteArray();
  }
}
