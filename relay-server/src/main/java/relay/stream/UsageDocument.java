package relay.stream;

import static java.nio.charset.StandardCharsets.UTF_8;

import relay.model.Dialect;

/**
 * Extracts usage, end and error from one JSON document: a body or an event's data. The results are
 * valid only if the document is {@link #complete}.
 */
final class UsageDocument extends JsonWalker {
  /** Larger counts are ignored: the engine bounds every number by 10^12. */
  private static final long MAX_TOKENS = 1_000_000_000_000L;

  private static final int MAX_DIGITS = 13;

  /** A count that was not reported. */
  static final long ABSENT = -1;

  // Contexts.
  private static final int ROOT = 2;
  private static final int WRAPPER = 3; // anthropic "message", openai "response"
  private static final int USAGE = 4;
  private static final int DETAILS = 5;

  // Members.
  private static final int TYPE = 1;
  private static final int ERROR = 2;
  private static final int WRAPPED = 3;
  private static final int USAGE_MEMBER = 4;
  private static final int DETAILS_MEMBER = 5;
  private static final int INPUT = 6;
  private static final int OUTPUT = 7;
  private static final int CACHE_CREATION = 8;
  private static final int CACHE_READ = 9;
  private static final int MODEL = 10;
  private static final int ID = 11;
  private static final int STATUS = 12;
  private static final int BACKGROUND = 13;

  private final boolean anthropic;

  long input;
  long output;
  long cacheCreation;
  long cacheRead;
  boolean error;
  boolean last;
  private boolean hasType;
  private boolean isDelta;
  boolean seeksModel;
  boolean seeksResponse;
  String model = "";
  private String id = "";
  private String status = "";
  private String background = "";

  UsageDocument(Dialect dialect) {
    this.anthropic = dialect == Dialect.ANTHROPIC;
    clear();
  }

  @Override
  void reset() {
    super.reset();
    clear();
  }

  private void clear() {
    input = ABSENT;
    output = ABSENT;
    cacheCreation = ABSENT;
    cacheRead = ABSENT;
    error = false;
    last = false;
    hasType = false;
    isDelta = false;
    model = "";
    id = "";
    status = "";
    background = "";
  }

  /** What it tells of the response, once {@link #seeksResponse} is set. */
  ResponseState response() {
    return new ResponseState(id, status, background);
  }

  /** Whether an event tells what the model has made: a delta, and not the request or the usage. */
  boolean isMade() {
    return hasType ? isDelta : !error && input == ABSENT && output == ABSENT;
  }

  @Override
  int name(int context, byte[] text, int length, long start) {
    return switch (context) {
      case ROOT ->
          switch (text[0]) {
            case 't' -> is("type", text, length) ? TYPE : OTHER;
            case 'e' -> is("error", text, length) ? ERROR : OTHER;
            case 'u' -> is("usage", text, length) ? USAGE_MEMBER : OTHER;
            default ->
                is(anthropic ? "message" : "response", text, length)
                    ? WRAPPED
                    : named(text, length);
          };
      case WRAPPER -> is("usage", text, length) ? USAGE_MEMBER : named(text, length);
      case USAGE -> anthropic ? anthropicCount(text, length) : openaiCount(text, length);
      case DETAILS -> is("cached_tokens", text, length) ? CACHE_READ : OTHER;
      default -> OTHER;
    };
  }

  private int named(byte[] text, int length) {
    if (seeksModel && is("model", text, length)) {
      return MODEL;
    }
    if (!seeksResponse) {
      return OTHER;
    }
    if (is("id", text, length)) {
      return ID;
    }
    if (is("status", text, length)) {
      return STATUS;
    }
    return is("background", text, length) ? BACKGROUND : OTHER;
  }

  private static int anthropicCount(byte[] text, int length) {
    if (is("input_tokens", text, length)) {
      return INPUT;
    }
    if (is("output_tokens", text, length)) {
      return OUTPUT;
    }
    if (is("cache_creation_input_tokens", text, length)) {
      return CACHE_CREATION;
    }
    return is("cache_read_input_tokens", text, length) ? CACHE_READ : OTHER;
  }

  /** Chat completions and embeddings use the first name of each pair, responses the second. */
  private static int openaiCount(byte[] text, int length) {
    if (is("prompt_tokens", text, length) || is("input_tokens", text, length)) {
      return INPUT;
    }
    if (is("completion_tokens", text, length) || is("output_tokens", text, length)) {
      return OUTPUT;
    }
    return is("prompt_tokens_details", text, length) || is("input_tokens_details", text, length)
        ? DETAILS_MEMBER
        : OTHER;
  }

  @Override
  int open(int context, int member, boolean array) {
    if (context == ROOT && member == ERROR) {
      error = true;
      return SKIP;
    }
    if (array) {
      return SKIP;
    }
    if (context == DOCUMENT) {
      return ROOT;
    }
    return switch (member) {
      case WRAPPED -> WRAPPER;
      case USAGE_MEMBER -> USAGE;
      case DETAILS_MEMBER -> DETAILS;
      default -> SKIP;
    };
  }

  @Override
  void scalar(int context, int member, Scalar kind, byte[] text, int length) {
    switch (member) {
      case TYPE -> {
        if (kind == Scalar.STRING) {
          type(text, length);
        }
      }
      case ERROR -> error |= kind != Scalar.NULL && kind != Scalar.FALSE;
      case INPUT -> input = later(count(kind, text, length), input);
      case OUTPUT -> output = later(count(kind, text, length), output);
      case CACHE_CREATION -> cacheCreation = later(count(kind, text, length), cacheCreation);
      case CACHE_READ -> cacheRead = later(count(kind, text, length), cacheRead);
      case MODEL -> model = text(kind, text, length, model);
      case ID -> id = text(kind, text, length, id);
      case STATUS -> status = text(kind, text, length, status);
      case BACKGROUND ->
          background = kind == Scalar.TRUE ? "true" : kind == Scalar.FALSE ? "false" : "";
      default -> {}
    }
  }

  /** The text, or the earlier one: a null and a text that is too long tell nothing. */
  private static String text(Scalar kind, byte[] text, int length, String before) {
    return kind == Scalar.STRING && length > 0 ? new String(text, 0, length, UTF_8) : before;
  }

  /** The type usually comes first, so deltas, the bulk of a stream, are skipped early. */
  private void type(byte[] text, int length) {
    hasType = true;
    if (is("error", text, length)) {
      error = true;
    } else if (anthropic) {
      if (is("message_stop", text, length)) {
        last = true;
      } else if (startsWith("content_", text, length)) {
        isDelta = is("content_block_delta", text, length);
        stop();
      }
    } else if (is("response.completed", text, length) || is("response.incomplete", text, length)) {
      last = true;
    } else if (is("response.failed", text, length)) {
      last = true;
      error = true;
    } else if (startsWith("response.", text, length)
        && !(seeksResponse && is("response.created", text, length))) {
      isDelta = endsWith(".delta", text, length);
      stop();
    }
  }

  private static boolean endsWith(String word, byte[] text, int length) {
    int from = length - word.length();
    for (int n = 0; n < word.length(); n++) {
      if (from < 0 || text[from + n] != word.charAt(n)) {
        return false;
      }
    }
    return true;
  }

  /**
   * The latest value of a count: counts are cumulative in every dialect. A 0 does not replace a
   * positive value: some gateways send a count under both names or in every event, but fill only
   * one.
   */
  static long later(long latest, long before) {
    return latest > 0 || before == ABSENT ? latest : before;
  }

  /** A whole number in range, or {@link #ABSENT}. */
  private static long count(Scalar kind, byte[] text, int length) {
    if (kind != Scalar.NUMBER || length < 1 || length > MAX_DIGITS) {
      return ABSENT;
    }
    long value = 0;
    for (int i = 0; i < length; i++) {
      if (text[i] < '0' || text[i] > '9') {
        return ABSENT;
      }
      value = value * 10 + (text[i] - '0');
    }
    return value <= MAX_TOKENS ? value : ABSENT;
  }
}
