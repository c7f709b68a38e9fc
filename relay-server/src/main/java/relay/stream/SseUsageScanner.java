package relay.stream;

import relay.model.Dialect;
import relay.model.TokenUsage;

/**
 * Parses server-sent events by the WHATWG specification (CR, LF, CRLF, a leading BOM, comments,
 * multi-line data) and passes their data to a tokenizer.
 *
 * <p>Most events carry no usage. An event that lies completely in the current buffer is skipped if
 * it contains none of a few keywords; the tokenizer would find nothing in it either. All other
 * events are parsed byte by byte, so the result does not depend on how the input was split.
 */
final class SseUsageScanner implements UsageScanner {
  private static final long DATA = 0x64617461L; // "data"
  private static final long EVENT = 0x6576656e74L; // "event"
  private static final long ERROR = 0x6572726f72L; // "error"
  private static final int LONGEST_WORD = 5;
  private static final byte[] BOM = {(byte) 0xef, (byte) 0xbb, (byte) 0xbf};
  private static final String DONE = "[DONE]"; // ends the stream: clients ignore the rest

  /** An OpenAI event without any of these words has no usage, error or end. */
  private static final KeywordSearch OPENAI_WORDS =
      new KeywordSearch("_tokens", "\"error\"", "\"respon");

  private static final String ANTHROPIC_CONTENT = "{\"type\":\"content_";
  private static final String ANTHROPIC_DELTA = "{\"type\":\"content_block_delta\"";
  private static final int ANTHROPIC_FRAMING = 110; // bytes of an event without text
  private static final int OPENAI_FRAMING = 190;

  private enum State {
    BOM,
    FIELD_NAME,
    SPACE,
    DATA,
    EVENT_TYPE,
    IGNORED_LINE
  }

  private final boolean openai;
  private final UsageDocument document;
  private final UsageTotals totals;

  private State state = State.BOM;
  private State field = State.IGNORED_LINE;
  private boolean skipLineFeed; // the last byte was a CR: skip an LF now
  private long word; // the field name or event type, up to LONGEST_WORD bytes
  private int wordLength;

  // State of the current event.
  private boolean pending; // it has at least one field
  private int dataLines;
  private boolean typeIsError;
  private int doneLength; // length of the matched start of [DONE]; -1 after a mismatch

  private boolean finished;
  private boolean errorSeen;
  private String model = "";
  private ResponseState response = ResponseState.UNKNOWN;

  private final MadeText made;
  private long fed; // bytes of earlier buffers
  private int fedFrom; // where the present one begins
  private long eventBegan; // in all bytes

  SseUsageScanner(Dialect dialect) {
    this.openai = dialect == Dialect.OPENAI;
    this.document = new UsageDocument(dialect);
    this.totals = new UsageTotals(dialect);
    made = new MadeText(openai ? OPENAI_FRAMING : ANTHROPIC_FRAMING);
  }

  @Override
  public void feed(byte[] buf, int off, int len) {
    int end = off + len;
    int p = off;
    fedFrom = off;
    while (p < end) {
      p =
          switch (state) {
            case BOM -> bom(buf[p], p);
            case FIELD_NAME -> fieldName(buf, p, end);
            case SPACE -> {
              state = field;
              yield buf[p] == ' ' ? p + 1 : p;
            }
            case DATA -> data(buf, p, end);
            case EVENT_TYPE -> eventType(buf, p, end);
            case IGNORED_LINE -> {
              int stop = ByteSearch.lineEnd(buf, p, end);
              yield stop < end ? endLine(buf[stop], stop) : end;
            }
          };
    }
    fed += len;
  }

  private int bom(byte b, int p) {
    if (b == BOM[wordLength]) {
      if (++wordLength == BOM.length) {
        startLine();
      }
      return p + 1;
    }
    // Without a BOM this byte starts a line. A partial BOM starts an unknown field.
    if (wordLength == 0) {
      startLine();
    } else {
      pending = true;
      state = State.IGNORED_LINE;
    }
    return p;
  }

  private void startLine() {
    state = State.FIELD_NAME;
    word = 0;
    wordLength = 0;
  }

  private int fieldName(byte[] buf, int from, int end) {
    int p = from;
    if (wordLength == 0) {
      if (skipLineFeed) {
        skipLineFeed = false;
        if (buf[p] == '\n') {
          return p + 1;
        }
      }
      if (dataLines == 0) {
        int next = afterPlainEvent(buf, p, end);
        if (next > p) {
          return next;
        }
      }
    }
    while (p < end) {
      byte b = buf[p];
      if (b == ':') {
        startValue();
        return p + 1;
      }
      if (b == '\n' || b == '\r') {
        if (wordLength == 0) {
          endEvent(p, document.isMade() && doneLength != DONE.length());
        } else {
          startValue(); // a field without a colon has an empty value
          endValue();
        }
        return endLine(b, p);
      }
      if (wordLength == LONGEST_WORD) {
        pending = true;
        state = State.IGNORED_LINE;
        return p;
      }
      word = word << 8 | (b & 0xff);
      wordLength++;
      p++;
    }
    return p;
  }

  private void startValue() {
    pending |= wordLength > 0; // a line that starts with a colon is a comment
    state = State.SPACE;
    if (wordLength == 4 && word == DATA) {
      field = State.DATA;
      if (dataLines++ == 0) {
        document.reset();
        doneLength = 0;
      } else {
        document.feed(new byte[] {'\n'}, 0, 1);
        doneLength = -1;
      }
    } else if (wordLength == 5 && word == EVENT) {
      field = State.EVENT_TYPE;
      typeIsError = false;
      word = 0;
      wordLength = 0;
    } else {
      field = State.IGNORED_LINE;
    }
  }

  private int data(byte[] buf, int p, int end) {
    int stop = ByteSearch.lineEnd(buf, p, end);
    for (int i = p; openai && i < stop && doneLength >= 0 && doneLength < DONE.length(); i++) {
      doneLength = buf[i] == DONE.charAt(doneLength) ? doneLength + 1 : -1;
    }
    document.feed(buf, p, stop);
    if (stop == end) {
      return end;
    }
    endValue();
    return endLine(buf[stop], stop);
  }

  private int eventType(byte[] buf, int p, int end) {
    int stop = ByteSearch.lineEnd(buf, p, end);
    for (int i = p; i < stop && wordLength <= LONGEST_WORD; i++) {
      word = word << 8 | (buf[i] & 0xff);
      wordLength++;
    }
    if (stop == end) {
      return end;
    }
    endValue();
    return endLine(buf[stop], stop);
  }

  private void endValue() {
    if (field == State.DATA) {
      if (document.complete()) {
        totals.take(document);
        model = document.model.isEmpty() ? model : document.model;
        if (document.seeksResponse) {
          response = document.response().after(response);
          response = document.last ? response.ended() : response;
        }
        errorSeen |= document.error;
        finished |= document.last;
      }
      finished |= openai && doneLength == DONE.length();
    } else if (field == State.EVENT_TYPE) {
      typeIsError = wordLength == LONGEST_WORD && word == ERROR;
    }
  }

  private int endLine(byte b, int p) {
    skipLineFeed = b == '\r';
    startLine();
    return p + 1;
  }

  /**
   * An event ends.
   *
   * @param isMade whether its data tells what the model has made
   */
  private void endEvent(int at, boolean isMade) {
    long ends = fed + (at - fedFrom) + 1;
    if (isMade && dataLines > 0 && !typeIsError) {
      made.add(ends - eventBegan);
    }
    eventBegan = ends;
    errorSeen |= typeIsError && dataLines > 0;
    pending = false;
    dataLines = 0;
    typeIsError = false;
  }

  /**
   * Skips an irrelevant event of one data line, if it ends before {@code end}.
   *
   * @return the position after its empty line, or {@code p} if it must be parsed
   */
  private int afterPlainEvent(byte[] buf, int p, int end) {
    if (end - p < 8
        || buf[p] != 'd'
        || buf[p + 1] != 'a'
        || buf[p + 2] != 't'
        || buf[p + 3] != 'a'
        || buf[p + 4] != ':') {
      return p;
    }
    int from = buf[p + 5] == ' ' ? p + 6 : p + 5;
    int stop = ByteSearch.lineEnd(buf, from, end);
    int next = stop + 1;
    if (stop < end && buf[stop] == '\r' && next < end && buf[next] == '\n') {
      next++;
    }
    if (next >= end || (buf[next] != '\n' && buf[next] != '\r')) {
      return p; // incomplete, or more lines follow
    }
    if (openai
        ? startsWith(DONE, buf, from, stop) || OPENAI_WORDS.in(buf, from, stop)
        : !startsWith(ANTHROPIC_CONTENT, buf, from, stop)) {
      return p;
    }
    dataLines = 1;
    endEvent(next, openai || startsWith(ANTHROPIC_DELTA, buf, from, stop));
    return endLine(buf[next], next);
  }

  private static boolean startsWith(String word, byte[] buf, int from, int end) {
    if (end - from < word.length()) {
      return false;
    }
    for (int i = 0; i < word.length(); i++) {
      if (buf[from + i] != word.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  @Override
  public void end() {
    if (state == State.DATA || state == State.EVENT_TYPE || state == State.SPACE) {
      endValue();
    }
    errorSeen |= typeIsError && dataLines > 0;
  }

  @Override
  public long madeBytes() {
    return made.bytes();
  }

  @Override
  public TokenUsage usage() {
    return totals.usage();
  }

  @Override
  public boolean reported() {
    return totals.reported();
  }

  @Override
  public void seekModel() {
    document.seeksModel = true;
  }

  @Override
  public void seekResponse() {
    document.seeksResponse = true;
  }

  @Override
  public ResponseState response() {
    return response;
  }

  @Override
  public String model() {
    return model;
  }

  @Override
  public boolean finished() {
    return finished;
  }

  @Override
  public boolean errorSeen() {
    return errorSeen;
  }

  @Override
  public boolean atEventBoundary() {
    return !pending && (state == State.FIELD_NAME || state == State.BOM) && wordLength == 0;
  }
}
