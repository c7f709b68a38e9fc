package relay.bedrock;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * Parses the messages of {@code application/vnd.amazon.eventstream}. The input may be split
 * anywhere.
 *
 * <pre>
 * total length  4 bytes    of the message
 * headers       4          their length
 * prelude CRC   4          of the 8 bytes above
 * headers                  name length 1, name, type 1, value by its type
 * payload
 * message CRC   4          of all bytes above
 * </pre>
 *
 * Source: the Smithy specification of Amazon Event Stream.
 */
final class EventMessages {
  /** The format's own bound; larger messages are rejected. */
  static final int MAX_MESSAGE = 16 * 1024 * 1024;

  private static final int MAX_HEADERS = 128 * 1024;
  private static final int PRELUDE = 12;
  private static final int CRC = 4;
  private static final int FIRST_ROOM = 4096;

  private byte[] room = new byte[FIRST_ROOM];
  private int start;
  private int end;

  /** Adds received bytes. */
  void feed(byte[] bytes, int offset, int length) {
    if (length > room.length - end) {
      int kept = end - start;
      byte[] target =
          kept + length > room.length ? new byte[Math.max(2 * room.length, kept + length)] : room;
      System.arraycopy(room, start, target, 0, kept);
      room = target;
      start = 0;
      end = kept;
    }
    System.arraycopy(bytes, offset, room, end, length);
    end += length;
  }

  /** The next complete message; null if more bytes are needed. */
  @Nullable EventMessage next() throws EventStreamException {
    if (end - start < PRELUDE) {
      return null;
    }
    ByteBuffer prelude = ByteBuffer.wrap(room, start, PRELUDE);
    int total = prelude.getInt();
    int headers = prelude.getInt();
    check(start, PRELUDE - CRC, prelude.getInt());
    if (total > MAX_MESSAGE
        || headers < 0
        || headers > MAX_HEADERS
        || total < PRELUDE + headers + CRC) {
      throw new EventStreamException("a message has an invalid length");
    }
    if (end - start < total) {
      return null;
    }
    int crcAt = start + total - CRC;
    check(start, total - CRC, ByteBuffer.wrap(room, crcAt, CRC).getInt());
    int payloadAt = start + PRELUDE + headers;
    EventMessage message =
        new EventMessage(
            headers(ByteBuffer.wrap(room, start + PRELUDE, headers)),
            Arrays.copyOfRange(room, payloadAt, crcAt));
    start += total;
    return message;
  }

  /** Whether no partial message is buffered. */
  boolean isEmpty() {
    return start == end;
  }

  private void check(int from, int length, int expected) throws EventStreamException {
    CRC32 crc = new CRC32();
    crc.update(room, from, length);
    if ((int) crc.getValue() != expected) {
      throw new EventStreamException("a checksum is wrong");
    }
  }

  private static Map<String, String> headers(ByteBuffer in) throws EventStreamException {
    Map<String, String> headers = new HashMap<>();
    try {
      while (in.hasRemaining()) {
        String name = text(in, in.get() & 0xff);
        int type = in.get();
        switch (type) {
          case 0, 1 -> {} // true, false
          case 2 -> skip(in, 1);
          case 3 -> skip(in, 2);
          case 4 -> skip(in, 4);
          case 5, 8 -> skip(in, 8); // long, timestamp
          case 6 -> skip(in, in.getShort() & 0xffff);
          case 7 -> headers.put(name, text(in, in.getShort() & 0xffff));
          case 9 -> skip(in, 16); // UUID
          default -> throw new EventStreamException("a header has an unknown type");
        }
      }
    } catch (BufferUnderflowException e) {
      throw new EventStreamException("the headers end too early");
    }
    return headers;
  }

  private static String text(ByteBuffer in, int length) {
    byte[] bytes = new byte[length];
    in.get(bytes);
    return new String(bytes, UTF_8);
  }

  private static void skip(ByteBuffer in, int length) {
    if (in.remaining() < length) {
      throw new BufferUnderflowException();
    }
    in.position(in.position() + length);
  }
}
