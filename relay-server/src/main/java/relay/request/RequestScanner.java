package relay.request;

import org.jspecify.annotations.Nullable;

/**
 * Scans a request body in one pass: validates the JSON (RFC 8259, strict UTF-8) and collects the
 * facts that Relay needs. Builds no tree.
 *
 * <p>Names are compared after decoding escapes. A duplicate one is an error if it affects charging
 * or routing, and so is one that differs from it in case only; elsewhere the last one counts, as in
 * most parsers.
 */
public final class RequestScanner {
  /** Deeper bodies are refused. */
  public static final int MAX_DEPTH = 512;

  /** Longer model names (in UTF-8 bytes) are refused. */
  public static final int MAX_MODEL_BYTES = 256;

  /** Larger output bounds are refused, so that sums of token counts stay exact. */
  public static final long MAX_OUTPUT_TOKENS = 1_000_000_000_000L;

  private static final int MAX_TIER_BYTES = 32;

  private static final int BYTES_PER_TOKEN = 4; // text bytes for a token given as a number

  private final JsonText text;
  private final SessionTrace session;

  private int seen; // onceBits of the top-level names so far
  private @Nullable String model;
  private @Nullable ByteRange modelValue;
  private boolean stream;
  private long maxOutputTokens = RequestFacts.NO_BOUND;
  private @Nullable ByteRange streamOptions;
  private @Nullable ByteRange includeUsageValue;
  private boolean includeUsage;
  private long textBytes;
  private long numbersInArrays;
  private long attachedBytes;
  private String speed = "";
  private String serviceTier = "";
  private boolean namesState;

  private RequestScanner(JsonText text, SessionTrace session) {
    this.text = text;
    this.session = session;
  }

  /** Reads the first {@code length} bytes of {@code body}; never throws, whatever the content. */
  public static RequestScan scan(byte[] body, int length) {
    return scanInSession(body, length, "");
  }

  /** As {@link #scan}, of a conversation whose id is known. */
  public static RequestScan scanInSession(byte[] body, int length, String id) {
    return new RequestScanner(new JsonText(body, length), SessionTrace.of(id)).scan();
  }

  /** As {@link #scan}, and derives the conversation's id. */
  public static RequestScan scanWithSession(byte[] body, int length) {
    return new RequestScanner(new JsonText(body, length), SessionTrace.begin()).scan();
  }

  private RequestScan scan() {
    int p = text.afterSpace(0);
    if (text.at(p) != '{') {
      return BadRequest.at(p, "the body must be a JSON object");
    }
    p = object(p, 1, Role.ROOT);
    if (p >= 0) {
      p = text.afterSpace(p);
      if (p < text.end) {
        p = text.fail(p, "nothing may follow the JSON object");
      }
    }
    if (text.failure != null) {
      return BadRequest.at(text.failedAt, text.failure);
    }
    if (model == null || modelValue == null) {
      return BadRequest.at(p, "\"model\" is missing");
    }
    return new RequestFacts(
        text.end,
        model,
        modelValue,
        stream,
        maxOutputTokens,
        streamOptions,
        includeUsageValue,
        includeUsage,
        textBytes,
        Attachment.bounded(attachedBytes),
        speed,
        serviceTier,
        namesState,
        session.id());
  }

  private int object(int open, int depth, Role role) {
    if (depth > MAX_DEPTH) {
      return text.fail(open, "nested deeper than " + MAX_DEPTH + " levels");
    }
    boolean base64 = false;
    boolean ofUser = false;
    long dataBytes = 0;
    int dataAt = 0;
    int p = text.afterSpace(open + 1);
    if (text.at(p) == '}') {
      return p + 1;
    }
    while (true) {
      if (text.at(p) != '"') {
        return text.fail(p, "expected a member name");
      }
      int nameEnd = text.string(p + 1);
      if (nameEnd < 0) {
        return nameEnd;
      }
      Name name = Name.of(text, p + 1, nameEnd - 1);
      namesState |= name.namesState;
      int colon = text.afterSpace(nameEnd);
      if (text.at(colon) != ':') {
        return text.fail(colon, "expected ':' after a member name");
      }
      int start = text.afterSpace(colon + 1);
      if (name == Name.OTHER) {
        Name near = role == Role.ROOT ? NearName.of(text, p + 1, nameEnd - 1) : null;
        if (near != null) {
          return text.fail(
              p, "write \"" + near.text + "\" in lower case: some providers ignore case");
        }
        p = value(start, depth, Role.PLAIN, false);
      } else if (role == Role.ROOT) {
        p = topLevel(name, p, start);
      } else {
        long before = textBytes;
        p = member(name, start, depth, role);
        if (p > 0 && role == Role.SOURCE && name == Name.TYPE) {
          base64 = isBase64(start, p);
        } else if (role == Role.SOURCE && name == Name.DATA && text.at(start) == '"') {
          dataBytes += textBytes - before;
          dataAt = start + 1;
        } else if (role == Role.MESSAGE && name == Name.ROLE) {
          ofUser = text.startsWith(start, "\"user\"");
        }
      }
      if (p < 0) {
        return p;
      }
      p = text.afterSpace(p);
      int c = text.at(p);
      if (c == '}') {
        // The type may follow the data, so the data was counted as text: undo that.
        if (base64) {
          textBytes -= dataBytes;
          attachedBytes += Attachment.inBase64(text, dataAt, dataBytes);
        }
        if (ofUser) {
          session.open(false); // later messages differ between turns
        }
        return p + 1;
      }
      if (c != ',') {
        return text.fail(p, "expected ',' or '}'");
      }
      p = text.afterSpace(p + 1);
    }
  }

  private int array(int open, int depth, Role elements) {
    if (depth > MAX_DEPTH) {
      return text.fail(open, "nested deeper than " + MAX_DEPTH + " levels");
    }
    int p = text.afterSpace(open + 1);
    if (text.at(p) == ']') {
      return p + 1;
    }
    while (true) {
      numbersInArrays += text.at(p) >= '0' && text.at(p) <= '9' ? 1 : 0;
      p = value(p, depth, elements, false);
      if (p < 0) {
        return p;
      }
      p = text.afterSpace(p);
      int c = text.at(p);
      if (c == ']') {
        return p + 1;
      }
      if (c != ',') {
        return text.fail(p, "expected ',' or ']'");
      }
      p = text.afterSpace(p + 1);
    }
  }

  /**
   * Reads a value inside a container of the given depth.
   *
   * @param payload whether a string is an encoded payload, not text
   */
  private int value(int p, int depth, Role role, boolean payload) {
    return switch (text.at(p)) {
      case '"' -> {
        int end = text.string(p + 1);
        textBytes += end < 0 || payload ? 0 : text.decodedLength;
        if (session.isOpen() && end > 0) {
          session.add(text.bytes, p + 1, end - 1);
        }
        yield end;
      }
      case '{' -> object(p, depth + 1, role);
      case '[' -> array(p, depth + 1, role == Role.MESSAGES ? Role.MESSAGE : Role.PLAIN);
      case 't' -> text.literal(p, "true");
      case 'f' -> text.literal(p, "false");
      case 'n' -> text.literal(p, "null");
      case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9' -> text.number(p);
      default -> text.fail(p, p < text.end ? "expected a value" : "the JSON ends too early");
    };
  }

  private int member(Name name, int start, int depth, Role role) {
    return switch (name) {
      case SOURCE -> value(start, depth, Role.SOURCE, false);
      case INPUT_AUDIO -> value(start, depth, Role.INPUT_AUDIO, false);
      case DATA -> {
        int end = value(start, depth, Role.PLAIN, role == Role.INPUT_AUDIO);
        if (end > 0 && role == Role.INPUT_AUDIO && text.at(start) == '"') {
          attachedBytes += Attachment.audio(text.decodedLength);
        }
        yield end;
      }
      case URL, IMAGE_URL, FILE_DATA -> {
        boolean payload = text.startsWith(start, "\"data:");
        Role inside = name == Name.IMAGE_URL ? Role.IMAGE_URL : Role.PLAIN;
        int end = value(start, depth, inside, payload);
        if (end > 0 && payload) {
          attachedBytes += Attachment.inUrl(text, start, name == Name.FILE_DATA);
        } else if (end > 0 && text.at(start) == '"' && Attachment.isImage(name, role)) {
          attachedBytes += Attachment.IMAGE_BYTES; // the provider fetches this URL
        }
        yield end;
      }
      case INCLUDE_USAGE -> {
        int end = value(start, depth, Role.PLAIN, false);
        if (end > 0 && role == Role.STREAM_OPTIONS) {
          includeUsageValue = new ByteRange(start, end);
          includeUsage = text.at(start) == 't';
        }
        yield end;
      }
      case TYPE, ROLE, CACHE_CONTROL -> {
        boolean before = session.open(false);
        namesState |= text.startsWith(start, "\"code_execution_"); // its container has a name
        int end = value(start, depth, Role.PLAIN, false);
        session.open(before);
        yield end;
      }
      case USER_ID -> sessionName(role == Role.METADATA ? 2 : 0, start, depth);
      default -> value(start, depth, Role.PLAIN, false);
    };
  }

  private int sessionName(int rank, int start, int depth) {
    int end = value(start, depth, Role.PLAIN, false);
    if (end > 0 && text.at(start) == '"') {
      session.state(rank, text.bytes, start + 1, end - 1);
    }
    return end;
  }

  private int stablePrefix(int start, Role role) {
    session.open(true);
    int end = value(start, 1, role, false);
    session.open(false);
    return end;
  }

  private int topLevel(Name name, int nameStart, int start) {
    if ((seen & name.onceBit) != 0) {
      return text.fail(nameStart, "\"" + name.text + "\" is given twice");
    }
    seen |= name.onceBit;
    return switch (name) {
      case MODEL -> model(start);
      case STREAM -> stream(start);
      case INPUT -> {
        long before = numbersInArrays;
        int end = stablePrefix(start, Role.MESSAGES);
        textBytes += BYTES_PER_TOKEN * (numbersInArrays - before);
        yield end;
      }
      case SYSTEM, TOOLS, INSTRUCTIONS -> stablePrefix(start, Role.PLAIN);
      case MESSAGES -> stablePrefix(start, Role.MESSAGES);
      case METADATA -> value(start, 1, Role.METADATA, false);
      case USER -> sessionName(1, start, 1);
      case SPEED, SERVICE_TIER -> tier(name, start);
      case PROMPT_CACHE_KEY -> sessionName(SessionTrace.ALONE, start, 1);
      case MAX_TOKENS, MAX_COMPLETION_TOKENS, MAX_OUTPUT_TOKENS -> outputBound(name, start);
      case STREAM_OPTIONS -> {
        includeUsageValue = null;
        includeUsage = false;
        int end = value(start, 1, Role.STREAM_OPTIONS, false);
        streamOptions = end < 0 ? null : new ByteRange(start, end);
        yield end;
      }
      default -> member(name, start, 1, Role.ROOT);
    };
  }

  /** The last of several counts, as for most parsers; a longer value names no tier. */
  private int tier(Name name, int start) {
    int end = value(start, 1, Role.PLAIN, false);
    boolean isWord = end > 0 && text.at(start) == '"' && text.decodedLength <= MAX_TIER_BYTES;
    String word = isWord ? Escapes.decode(text, start + 1, end - 1, text.escaped) : "";
    if (name == Name.SPEED) {
      speed = word;
    } else {
      serviceTier = word;
    }
    return end;
  }

  private int model(int start) {
    int end = value(start, 1, Role.PLAIN, false);
    if (end < 0) {
      return end;
    }
    if (text.at(start) != '"' || text.decodedLength == 0) {
      return text.fail(start, "\"model\" must be a non-empty string");
    }
    if (text.decodedLength > MAX_MODEL_BYTES) {
      return text.fail(start, "\"model\" is longer than " + MAX_MODEL_BYTES + " bytes");
    }
    String decoded = Escapes.decode(text, start + 1, end - 1, text.escaped);
    // The name goes into Redis keys, metrics and log lines.
    if (!Escapes.isPrintable(decoded)) {
      return text.fail(start, "\"model\" must not contain control characters or lone surrogates");
    }
    model = decoded;
    modelValue = new ByteRange(start, end);
    return end;
  }

  private int stream(int start) {
    int c = text.at(start);
    if (c != 't' && c != 'f' && c != 'n') {
      return text.fail(start, "\"stream\" must be true or false");
    }
    stream = c == 't';
    return value(start, 1, Role.PLAIN, false);
  }

  private int outputBound(Name name, int start) {
    if (text.at(start) == 'n') {
      return text.literal(start, "null");
    }
    long tokens = 0;
    int p = start;
    for (int c = text.at(p);
        c >= '0' && c <= '9' && tokens <= MAX_OUTPUT_TOKENS;
        c = text.at(++p)) {
      tokens = tokens * 10 + (c - '0');
    }
    int end = p == start ? JsonText.FAILED : text.number(start);
    if (end != p || tokens > MAX_OUTPUT_TOKENS) {
      return text.fail(
          start, "\"" + name.text + "\" must be a whole number from 0 to " + MAX_OUTPUT_TOKENS);
    }
    maxOutputTokens = Math.max(maxOutputTokens, tokens);
    return end;
  }

  private boolean isBase64(int start, int end) {
    return text.at(start) == '"'
        && text.decodedLength == "base64".length()
        && Escapes.decode(text, start + 1, end - 1, text.escaped).equals("base64");
  }
}
