package relay.edge;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * Parses the framing of an HTTP/1.1 connection, request by request, and rejects input that two
 * parsers could interpret differently although Undertow accepts it: a folded header line, a length
 * with more digits than a long, chunks with unusual framing. Undertow rejects the rest itself.
 *
 * <p>Undertow would merge whitespace inside a header's value into one space, so it is encoded: see
 * {@link HeaderWhitespace}. Only the next byte shows whether whitespace is inside the value, so
 * whitespace at the end of the input {@linkplain #open is held back}.
 *
 * <p>The input may be cut anywhere. Not thread-safe.
 */
final class RequestFraming {
  /** Most bytes of a chunk-size line with its extensions, or of the trailer. */
  static final int MAX_CHUNK_LINE = 4096;

  /** Most whitespace in a row inside a value, or at its end. */
  static final int MAX_BLANKS = 8 * 1024;

  private static final int NOT_BEGUN = -1;
  private static final int MAX_LENGTH_DIGITS = 18;
  private static final int MAX_SIZE_DIGITS = 15;
  private static final String CONTENT_LENGTH = "content-length";
  private static final String TRANSFER_ENCODING = "transfer-encoding";

  private enum State {
    REQUEST_LINE,
    LINE_START,
    NAME,
    VALUE,
    HEAD_END,
    BODY,
    SIZE,
    EXTENSION,
    SIZE_END,
    CHUNK,
    CHUNK_CR,
    CHUNK_LF,
    TRAILER_START,
    TRAILER,
    TRAILER_END,
    ANYTHING
  }

  private State state = State.REQUEST_LINE;
  private int at; // bytes of the line at hand
  private boolean mayBeLength;
  private boolean mayBeEncoding;
  private long length; // of the body, or of the current chunk
  private int digits;
  private int blanks; // in a row, after the first byte of a value
  private boolean chunked;
  private boolean inQuery; // a question mark was seen in the target
  private boolean atQuery; // it was the last byte
  private long lines; // request lines so far
  private long asked; // of them, those that queryStart() was asked about
  private final Queue<OddQuery> oddQueries = new ArrayDeque<>(0);

  /** A query that Undertow does not keep, by the number of its request line. */
  private record OddQuery(long line, String start) {}

  /**
   * What stands between a target's path and its query as Undertow has it, if that is not simply a
   * question mark or nothing: Undertow drops an empty query, and a second question mark. To be
   * asked once for each request, in order.
   */
  @Nullable String queryStart() {
    asked++;
    OddQuery next = oddQueries.peek();
    if (next == null || next.line != asked) {
      return null;
    }
    oddQueries.remove();
    return next.start;
  }

  /** Whether the head was accepted and the body is being read. */
  boolean inBody() {
    return state.compareTo(State.BODY) >= 0 && state != State.ANYTHING;
  }

  /** Whether a head has begun and is not complete. */
  boolean inHead() {
    return state.compareTo(State.BODY) < 0 && (state != State.REQUEST_LINE || at > 0);
  }

  /** Whether the next byte may belong to an empty line before a request: skip CR and LF there. */
  boolean isBetweenRequests() {
    return state == State.REQUEST_LINE && at == 0;
  }

  /** Whether a byte is part of a line end. */
  static boolean endsLine(byte b) {
    return b == '\r' || b == '\n';
  }

  /** Whether everything passes from now on. */
  void letAllPass() {
    state = State.ANYTHING;
  }

  /**
   * Trailing whitespace of the last input that may be inside a value. Undertow must get it together
   * with the following bytes: put it right before them in the next buffer.
   */
  int open() {
    return state == State.VALUE ? Math.max(0, blanks) : 0;
  }

  /**
   * Parses bytes, and encodes whitespace in place.
   *
   * @return index of the first byte that must not pass; {@code end} if all may
   */
  int accept(ByteBuffer bytes, int from, int end) {
    int p = from;
    while (p < end) {
      if (state == State.ANYTHING) {
        return end;
      }
      if (isBetweenRequests() && endsLine(bytes.get(p))) {
        return p;
      }
      if (state == State.BODY || state == State.CHUNK) {
        int n = (int) Math.min(length, end - p);
        length -= n;
        p += n;
        if (length == 0) {
          next(state == State.BODY ? State.REQUEST_LINE : State.CHUNK_CR);
        }
      } else if (state == State.VALUE ? value(bytes, p) : passes(bytes.get(p))) {
        p = afterOrdinary(bytes, p + 1, end);
      } else {
        return p;
      }
    }
    return end;
  }

  /**
   * Skips bytes that change no state, which most bytes of a head do: the rest of a word, of an
   * unneeded name, of the request line.
   */
  private int afterOrdinary(ByteBuffer bytes, int from, int end) {
    int p = from;
    if (state == State.VALUE && blanks == 0 && !mayBeLength) {
      while (p < end && bytes.get(p) > ' ') {
        p++;
      }
    } else if (state == State.NAME && !mayBeLength && !mayBeEncoding) {
      while (p < end && bytes.get(p) != ':' && bytes.get(p) != '\n') {
        p++;
      }
    } else if (state == State.REQUEST_LINE && at > 0) {
      for (; p < end && bytes.get(p) != '\n'; p++) {
        if (!inQuery || atQuery) {
          target(bytes.get(p));
        }
      }
    }
    return p;
  }

  private void target(byte b) {
    if (atQuery && (b == ' ' || b == '?')) {
      oddQueries.add(new OddQuery(lines + 1, b == '?' ? "??" : "?"));
    }
    atQuery = !inQuery && b == '?';
    inQuery |= atQuery;
  }

  private boolean passes(byte b) {
    return switch (state) {
      case REQUEST_LINE -> requestLine(b);
      case LINE_START -> lineStart(b);
      case NAME -> name(b);
      case HEAD_END -> endOfHead(b);
      case SIZE -> size(b);
      case EXTENSION -> extension(b);
      case SIZE_END -> sizeEnd(b);
      case CHUNK_CR -> expect(b, '\r', State.CHUNK_LF);
      case CHUNK_LF -> expect(b, '\n', State.SIZE);
      case TRAILER_START, TRAILER -> trailer(b);
      case TRAILER_END -> expect(b, '\n', at == 0 ? State.REQUEST_LINE : State.TRAILER_START);
      case VALUE, BODY, CHUNK, ANYTHING -> true;
    };
  }

  private boolean expect(byte b, char wanted, State then) {
    if (b != wanted) {
      return false;
    }
    next(then);
    return true;
  }

  private void next(State then) {
    state = then;
    switch (then) {
      case REQUEST_LINE -> {
        at = 0;
        chunked = false;
        length = 0;
      }
      case SIZE -> {
        at = 0;
        digits = 0;
        length = 0;
      }
      default -> {}
    }
  }

  private boolean requestLine(byte b) {
    at++;
    if (b == '\n') {
      state = State.LINE_START;
      lines++;
      inQuery = false;
      atQuery = false;
    } else {
      target(b);
    }
    return true;
  }

  private boolean lineStart(byte b) {
    if (b == ' ' || b == '\t') {
      return false; // continues the previous line (obs-fold)
    }
    if (b == '\r') {
      state = State.HEAD_END;
      return true;
    }
    at = 0;
    mayBeLength = true;
    mayBeEncoding = true;
    state = State.NAME;
    return name(b);
  }

  private boolean name(byte b) {
    if (b == ':') {
      mayBeLength &= at == CONTENT_LENGTH.length();
      mayBeEncoding &= at == TRANSFER_ENCODING.length();
      chunked |= mayBeEncoding;
      digits = 0;
      blanks = NOT_BEGUN;
      state = State.VALUE;
    } else if (b == '\n') {
      state = State.LINE_START;
    } else {
      int lower = b >= 'A' && b <= 'Z' ? b | 0x20 : b;
      mayBeLength &= at < CONTENT_LENGTH.length() && lower == CONTENT_LENGTH.charAt(at);
      mayBeEncoding &= at < TRANSFER_ENCODING.length() && lower == TRANSFER_ENCODING.charAt(at);
      at++;
    }
    return true;
  }

  private boolean value(ByteBuffer bytes, int p) {
    byte b = bytes.get(p);
    if (b == ' ' || b == '\t') {
      return blanks == NOT_BEGUN || ++blanks <= MAX_BLANKS;
    }
    if (b == '\n') {
      state = State.LINE_START;
    } else if (b != '\r') {
      if (blanks > 0) {
        HeaderWhitespace.keep(bytes, p - blanks, p);
      }
      blanks = 0;
      if (HeaderWhitespace.isMark(b)) {
        bytes.put(p, HeaderWhitespace.NO_MARK);
      } else if (mayBeLength && b >= '0' && b <= '9') {
        length = length * 10 + (b - '0');
        return ++digits <= MAX_LENGTH_DIGITS;
      }
    } else {
      blanks = NOT_BEGUN;
    }
    return true;
  }

  private boolean endOfHead(byte b) {
    if (b != '\n') {
      return false;
    }
    if (chunked) {
      next(State.SIZE);
    } else if (length > 0) {
      state = State.BODY;
    } else {
      next(State.REQUEST_LINE);
    }
    return true;
  }

  private boolean size(byte b) {
    int digit = Character.digit(b, 16);
    if (digit >= 0) {
      length = length << 4 | digit;
      return ++digits <= MAX_SIZE_DIGITS;
    }
    at = digits;
    if (digits == 0 || (b != '\r' && b != ';')) {
      return false;
    }
    state = b == '\r' ? State.SIZE_END : State.EXTENSION;
    return true;
  }

  private boolean extension(byte b) {
    if (b == '\r') {
      state = State.SIZE_END;
      return true;
    }
    return (b == '\t' || (b >= ' ' && b != 0x7f)) && ++at <= MAX_CHUNK_LINE;
  }

  private boolean sizeEnd(byte b) {
    at = 0;
    digits = 0; // counts the bytes of the trailer from now on
    return expect(b, '\n', length == 0 ? State.TRAILER_START : State.CHUNK);
  }

  private boolean trailer(byte b) {
    if (state == State.TRAILER_START) {
      at = 0;
      if (b == ' ' || b == '\t') {
        return false;
      }
    }
    if (b == '\r') {
      state = State.TRAILER_END;
      return true;
    }
    at++;
    state = State.TRAILER;
    return b != '\n' && ++digits <= MAX_CHUNK_LINE;
  }
}
