package relay.edge;

import java.nio.ByteBuffer;

/**
 * Follows the bytes of an HTTP/1.1 connection from request to request and stops at what Undertow
 * would take, though two readers may understand it differently: a folded header line, a length of
 * more digits than a long has, and chunks that are framed in any but the one right way. What
 * Undertow refuses itself is left to it.
 *
 * <p>HeaderWhitespace inside a header's value, of which Undertow would make one space, are written
 * so that it leaves them alone: see {@link HeaderWhitespace}. Whether blanks are inside shows only
 * behind them, so those with which the input ends are {@linkplain #open to be held back}.
 *
 * <p>It makes no difference where the input is cut. Once the client speaks HTTP/2, everything
 * passes. Not thread-safe.
 */
final class RequestFraming {
  /**
   * A line of a chunk's size with its extensions, or the trailer after the last chunk, in bytes.
   */
  static final int MAX_CHUNK_LINE = 4096;

  /** HeaderWhitespace in a row inside a value, or at its end. */
  static final int MAX_BLANKS = 8 * 1024;

  private static final int NOT_BEGUN = -1;
  private static final int MAX_LENGTH_DIGITS = 18;
  private static final int MAX_SIZE_DIGITS = 15;
  private static final String PREFACE = "PRI * HTTP/2.0\r\n";
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
  private boolean mayBePreface = true;
  private boolean mayBeLength;
  private boolean mayBeEncoding;
  private long length; // of the body, or of the chunk at hand
  private int digits;
  private int blanks; // in a row, of a value that has begun
  private boolean chunked;

  /** Whether a body is being read, so that the request's head was taken. */
  boolean inBody() {
    return state.compareTo(State.BODY) >= 0 && state != State.ANYTHING;
  }

  /** From now on everything passes. */
  void letAllPass() {
    state = State.ANYTHING;
  }

  /**
   * How many of the bytes that were read last are blanks of which it is not known yet whether they
   * are inside a value. They are to be shown to Undertow only with what follows, and to be right
   * before it in the buffer that is read next.
   */
  int open() {
    return state == State.VALUE ? Math.max(0, blanks) : 0;
  }

  /**
   * Reads bytes, and changes blanks among them.
   *
   * @return the index of the first one that must not pass; {@code end} if all may
   */
  int accept(ByteBuffer bytes, int from, int end) {
    int p = from;
    while (p < end) {
      if (state == State.ANYTHING) {
        return end;
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
   * Most of a head's bytes change nothing: the rest of a word, of a name that is not looked for, of
   * the request line. Passes over those from an index on.
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
    } else if (state == State.REQUEST_LINE && !mayBePreface) {
      while (p < end && bytes.get(p) != '\n') {
        p++;
      }
    }
    return p;
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
        mayBePreface = true;
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
    mayBePreface = mayBePreface && at < PREFACE.length() && b == PREFACE.charAt(at);
    at++;
    if (b == '\n') {
      state = mayBePreface && at == PREFACE.length() ? State.ANYTHING : State.LINE_START;
    }
    return true;
  }

  private boolean lineStart(byte b) {
    if (b == ' ' || b == '\t') {
      return false; // it goes on with the line before (obs-fold)
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
    digits = 0; // from now on the bytes of the trailer
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
