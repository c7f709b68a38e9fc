package relay.stream;

/**
 * An incremental JSON tokenizer. Accepts input split anywhere, and reports only the members that a
 * subclass selects. It keeps one short token, so its memory does not depend on the document.
 *
 * <p>A subclass assigns a context to each container of interest; other containers are only parsed
 * for structure. Names are compared without decoding: no provider escapes its own field names. The
 * syntax of numbers, the digits of Unicode escapes and UTF-8 are not checked. Any other syntax
 * error means that the document {@linkplain #complete never completes}.
 */
abstract class JsonWalker {
  /** Returned by {@link #open} for a container to ignore. */
  static final int SKIP = 0;

  /** The context of the top-level value. */
  static final int DOCUMENT = 1;

  /** Returned by {@link #name} for a member to ignore. */
  static final int OTHER = 0;

  /** Deeper documents count as broken. */
  static final int MAX_DEPTH = 512;

  private static final int MAX_TRACKED = 8;
  private static final int MAX_TOKEN = 64;

  private enum State {
    VALUE,
    VALUE_OR_END,
    NAME_OR_END,
    NAME,
    COLON,
    AFTER_VALUE,
    IN_NAME,
    IN_STRING,
    IN_NUMBER,
    IN_LITERAL,
    DONE,
    STOPPED
  }

  enum Scalar {
    STRING,
    NUMBER,
    TRUE,
    FALSE,
    NULL
  }

  private State state = State.VALUE;
  private int depth;
  private final long[] objects =
      new long[MAX_DEPTH / 64 + 1]; // one bit per depth: 1 = object, 0 = array

  /** Containers down to this depth have a context; a deeper current container is skipped. */
  private int tracked;

  private final int[] contexts = new int[MAX_TRACKED];
  private final int[] members = new int[MAX_TRACKED];

  private final byte[] token = new byte[MAX_TOKEN];
  private int tokenLength;
  private boolean capturing;
  private boolean escaped;
  private boolean numberEndsInDigit;
  private Scalar literal = Scalar.NULL;
  private String literalText = "";

  /** The document position minus the position in the current buffer. */
  private long origin;

  private long consumed;
  private long nameStart;

  JsonWalker() {
    contexts[0] = DOCUMENT;
  }

  /** Starts a new document. */
  void reset() {
    state = State.VALUE;
    depth = 0;
    tracked = 0;
    members[0] = OTHER;
    escaped = false;
    consumed = 0;
  }

  /** Whether exactly one JSON value was read, followed only by white space. */
  final boolean complete() {
    return state == State.DONE;
  }

  /** Ignores the rest of the document. It never becomes complete. */
  final void stop() {
    state = State.STOPPED;
  }

  /**
   * Identifies a member.
   *
   * @param start the document position of its opening quote
   * @return a number chosen by the subclass, or {@link #OTHER}
   */
  abstract int name(int context, byte[] text, int length, long start);

  /**
   * An object or array starts.
   *
   * @param member the result of {@link #name}; {@link #OTHER} for an element
   * @return its context, or {@link #SKIP}
   */
  abstract int open(int context, int member, boolean array);

  /**
   * Reports the scalar value of a selected member, or an element of a selected array.
   *
   * @param length of the token; -1 if longer than {@value #MAX_TOKEN} bytes
   */
  abstract void scalar(int context, int member, Scalar kind, byte[] text, int length);

  /** A selected member's value ended; {@code end} is the position after it. */
  void ended(int context, int member, long end) {}

  final void feed(byte[] buf, int from, int end) {
    origin = consumed - from;
    consumed += end - from;
    int p = from;
    while (p < end) {
      switch (state) {
        case STOPPED -> {
          return;
        }
        case IN_NAME, IN_STRING -> p = inString(buf, p, end);
        case IN_NUMBER -> p = inNumber(buf, p, end);
        case IN_LITERAL -> inLiteral(buf[p], p++);
        default -> {
          int c = buf[p];
          if (c > ' ' || (c != ' ' && c != '\n' && c != '\r' && c != '\t')) {
            structure(c, p);
          }
          p++;
        }
      }
    }
  }

  private boolean wanted() {
    return depth == tracked;
  }

  private boolean inObject() {
    return ((objects[depth >>> 6] >>> depth) & 1) != 0;
  }

  private void structure(int c, int p) {
    switch (state) {
      case VALUE, VALUE_OR_END -> {
        if (c == ']' && state == State.VALUE_OR_END) {
          close(p);
        } else {
          startValue(c);
        }
      }
      case NAME, NAME_OR_END -> {
        if (c == '"') {
          startToken(State.IN_NAME, wanted());
          if (capturing) {
            nameStart = origin + p;
          }
        } else if (c == '}' && state == State.NAME_OR_END) {
          close(p);
        } else {
          stop();
        }
      }
      case COLON -> state = c == ':' ? State.VALUE : State.STOPPED;
      case AFTER_VALUE -> {
        boolean object = inObject();
        if (c == ',') {
          state = object ? State.NAME : State.VALUE;
        } else if (c == (object ? '}' : ']')) {
          close(p);
        } else {
          stop();
        }
      }
      default -> stop();
    }
  }

  private void startValue(int c) {
    boolean reported = wanted() && (members[depth] != OTHER || !inObject());
    switch (c) {
      case '"' -> startToken(State.IN_STRING, reported);
      case '{', '[' -> openContainer(c == '[');
      case 't' -> startLiteral(Scalar.TRUE, "true", reported);
      case 'f' -> startLiteral(Scalar.FALSE, "false", reported);
      case 'n' -> startLiteral(Scalar.NULL, "null", reported);
      default -> {
        if (c == '-' || (c >= '0' && c <= '9')) {
          startToken(State.IN_NUMBER, reported);
          numberEndsInDigit = c != '-';
          capture((byte) c);
        } else {
          stop();
        }
      }
    }
  }

  private void startToken(State next, boolean capture) {
    state = next;
    capturing = capture;
    tokenLength = 0;
  }

  private void startLiteral(Scalar kind, String text, boolean capture) {
    startToken(State.IN_LITERAL, capture);
    literal = kind;
    literalText = text;
    tokenLength = 1;
  }

  private void openContainer(boolean array) {
    if (depth == MAX_DEPTH) {
      stop();
      return;
    }
    int context = SKIP;
    if (wanted() && depth + 1 < MAX_TRACKED && (members[depth] != OTHER || !inObject())) {
      context = open(contexts[depth], members[depth], array);
    }
    depth++;
    long bit = 1L << depth;
    objects[depth >>> 6] = array ? objects[depth >>> 6] & ~bit : objects[depth >>> 6] | bit;
    if (context != SKIP) {
      tracked = depth;
      contexts[depth] = context;
      members[depth] = OTHER;
    }
    state = array ? State.VALUE_OR_END : State.NAME_OR_END;
  }

  private void close(int p) {
    if (wanted()) {
      tracked--;
    }
    depth--;
    afterValue(p + 1);
  }

  private void afterValue(int p) {
    state = depth == 0 ? State.DONE : State.AFTER_VALUE;
    if (wanted() && members[depth] != OTHER) {
      ended(contexts[depth], members[depth], origin + p);
    }
  }

  private int inString(byte[] buf, int from, int end) {
    int p = from;
    if (escaped) {
      escaped = false;
      if ("\"\\/bfnrtu".indexOf(buf[p]) < 0) {
        stop();
        return p;
      }
      capture(buf[p++]);
    }
    int stop = ByteSearch.stringStop(buf, p, end);
    if (capturing) {
      capture(buf, p, stop);
    }
    if (stop == end) {
      return end;
    }
    switch (buf[stop]) {
      case '\\' -> {
        escaped = true;
        capture((byte) '\\');
      }
      case '"' -> {
        if (state == State.IN_NAME) {
          state = State.COLON;
          if (capturing) {
            members[depth] =
                tokenLength < 0 ? OTHER : name(contexts[depth], token, tokenLength, nameStart);
          }
        } else {
          endScalar(Scalar.STRING, stop + 1);
        }
      }
      default -> stop();
    }
    return stop + 1;
  }

  private int inNumber(byte[] buf, int from, int end) {
    int p = from;
    while (p < end && partOfNumber(buf[p])) {
      numberEndsInDigit = buf[p] >= '0' && buf[p] <= '9';
      capture(buf[p++]);
    }
    if (p < end) {
      if (numberEndsInDigit) {
        endScalar(Scalar.NUMBER, p);
      } else {
        stop();
      }
    }
    return p;
  }

  private static boolean partOfNumber(int c) {
    return (c >= '0' && c <= '9') || c == '.' || c == 'e' || c == 'E' || c == '-' || c == '+';
  }

  private void inLiteral(int c, int p) {
    if (c != literalText.charAt(tokenLength++)) {
      stop();
    } else if (tokenLength == literalText.length()) {
      endScalar(literal, p + 1);
    }
  }

  private void endScalar(Scalar kind, int end) {
    State before = state;
    if (capturing) {
      scalar(contexts[depth], members[depth], kind, token, tokenLength);
    }
    if (state == before) {
      afterValue(end);
    }
  }

  private void capture(byte b) {
    if (capturing && tokenLength >= 0) {
      if (tokenLength == MAX_TOKEN) {
        tokenLength = -1;
      } else {
        token[tokenLength++] = b;
      }
    }
  }

  private void capture(byte[] buf, int from, int end) {
    int length = end - from;
    if (tokenLength < 0 || tokenLength + length > MAX_TOKEN) {
      tokenLength = -1;
    } else {
      System.arraycopy(buf, from, token, tokenLength, length);
      tokenLength += length;
    }
  }

  /** Whether a token is this (ASCII) word. */
  static boolean is(String word, byte[] text, int length) {
    return length == word.length() && startsWith(word, text, length);
  }

  static boolean startsWith(String word, byte[] text, int length) {
    if (length < word.length()) {
      return false;
    }
    for (int i = 0; i < word.length(); i++) {
      if (text[i] != word.charAt(i)) {
        return false;
      }
    }
    return true;
  }
}
