package relay.edge;

import io.undertow.protocols.http2.HPackHuffman;
import io.undertow.protocols.http2.HpackException;
import io.undertow.util.HttpString;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Reads the lines of HPACK's header blocks: RFC 7541, section 6. Undertow's decoder fails at an
 * empty name or one with a line break, and has then lost its place in the block.
 */
final class HeaderLine {
  /** A name that HTTP does not allow, in place of any that Undertow does not allow. */
  static final HttpString MALFORMED = new HttpString("(malformed)");

  private static final int INDEXED = 0x80;
  private static final int ADDED = 0x40;
  private static final int RESIZED = 0x20;
  private static final int NEVER_ADDED = 0x10;
  private static final int HUFFMAN = 0x80;
  private static final int MAX_SHIFT = 21; // an integer of 28 bits beyond its prefix

  private final HeaderTable table = new HeaderTable();
  private final StringBuilder text = new StringBuilder();
  private HttpString name = MALFORMED;
  private String value = "";
  private boolean never;
  private boolean begun; // a line of this block was read

  HttpString name() {
    return name;
  }

  String value() {
    return value;
  }

  /** Whether the client wants no table to hold the line, even one behind Relay. */
  boolean never() {
    return never;
  }

  /** The next line is the first of a block. */
  void endBlock() {
    begun = false;
  }

  /** What was read. */
  enum Step {
    LINE,
    NO_LINE,
    INCOMPLETE
  }

  /** Reads a line. The buffer stays where it is if the line is incomplete. */
  Step read(ByteBuffer block) throws HpackException {
    int start = block.position();
    int first = block.get(start);
    Step step;
    if ((first & INDEXED) != 0) {
      step = indexed(block);
    } else if ((first & ADDED) == 0 && (first & RESIZED) != 0) {
      step = resized(block);
    } else {
      step = literal(block, first);
    }
    if (step == Step.INCOMPLETE) {
      block.position(start);
    } else {
      begun |= step == Step.LINE;
    }
    return step;
  }

  private Step indexed(ByteBuffer block) throws HpackException {
    int number = integer(block, INDEXED - 1);
    if (number < 0) {
      return Step.INCOMPLETE;
    }
    HeaderTable.Line line = table.line(number);
    name = line.name();
    value = line.value();
    never = false;
    return Step.LINE;
  }

  private Step resized(ByteBuffer block) throws HpackException {
    if (begun) {
      throw new HpackException();
    }
    int bytes = integer(block, RESIZED - 1);
    if (bytes < 0) {
      return Step.INCOMPLETE;
    }
    table.resize(bytes);
    return Step.NO_LINE;
  }

  private Step literal(ByteBuffer block, int first) throws HpackException {
    boolean added = (first & ADDED) != 0;
    int number = integer(block, added ? ADDED - 1 : NEVER_ADDED - 1);
    if (number < 0) {
      return Step.INCOMPLETE;
    }
    int nameBytes;
    HttpString itsName;
    if (number > 0) {
      itsName = table.line(number).name();
      nameBytes = itsName.length();
    } else {
      String sent = string(block);
      if (sent == null) {
        return Step.INCOMPLETE;
      }
      itsName = name(sent);
      nameBytes = sent.length();
    }
    String sent = string(block);
    if (sent == null) {
      return Step.INCOMPLETE;
    }
    name = itsName;
    value = sent;
    never = !added && (first & NEVER_ADDED) != 0;
    if (added) {
      table.add(name, value, nameBytes);
    }
    return Step.LINE;
  }

  private static HttpString name(String sent) {
    return sent.isEmpty() || sent.indexOf('\n') >= 0 || sent.indexOf('\r') >= 0
        ? MALFORMED
        : HttpString.tryFromString(sent); // its characters are bytes
  }

  /** Section 5.1. -1 if it is incomplete. */
  private static int integer(ByteBuffer block, int prefix) throws HpackException {
    int number = block.get() & prefix;
    if (number < prefix) {
      return number;
    }
    for (int shift = 0; block.hasRemaining(); shift += 7) {
      if (shift > MAX_SHIFT) {
        throw new HpackException();
      }
      int part = block.get();
      number += (part & 0x7f) << shift;
      if (part >= 0) {
        return number;
      }
    }
    return -1;
  }

  /** Section 5.2. Null if it is incomplete. */
  private @Nullable String string(ByteBuffer block) throws HpackException {
    if (!block.hasRemaining()) {
      return null;
    }
    boolean huffman = (block.get(block.position()) & HUFFMAN) != 0;
    int length = integer(block, HUFFMAN - 1);
    if (length < 0 || length > block.remaining()) {
      return null;
    }
    text.setLength(0);
    if (huffman) {
      HPackHuffman.decode(block, length, text);
    } else {
      for (int n = 0; n < length; n++) {
        text.append((char) (block.get() & 0xff));
      }
    }
    return text.toString();
  }
}
