package relay.stream;

/**
 * Finds the usage member and the choices in one chunk of an OpenAI stream, for {@link
 * UsageChunkFilter}.
 */
final class ChunkShape extends JsonWalker {
  private static final int ROOT = 2;
  private static final int CHOICES = 3;

  private static final int CHOICES_MEMBER = 1;
  private static final int USAGE_MEMBER = 2;

  private boolean choices;
  private boolean choice;
  private int usages;
  private boolean usageObject;
  private boolean usageNull;

  /**
   * The position of the member {@code usage} in the document: from its name's opening quote to its
   * value's end.
   */
  long usageStart;

  long usageEnd;

  @Override
  void reset() {
    super.reset();
    choices = false;
    choice = false;
    usages = 0;
    usageObject = false;
    usageNull = false;
  }

  /** Whether this is the final usage chunk, sent only because usage was requested. */
  boolean onlyUsage() {
    return complete() && choices && !choice && usageObject;
  }

  /**
   * Whether this is a content chunk with {@code "usage":null}, present only because usage was
   * requested.
   */
  boolean nullUsage() {
    return complete() && usages == 1 && usageNull;
  }

  @Override
  int name(int context, byte[] text, int length, long start) {
    if (context == ROOT && is("usage", text, length)) {
      usages++;
      usageStart = start;
      return USAGE_MEMBER;
    }
    return context == ROOT && is("choices", text, length) ? CHOICES_MEMBER : OTHER;
  }

  @Override
  int open(int context, int member, boolean array) {
    if (context == DOCUMENT) {
      return array ? SKIP : ROOT;
    }
    if (context == CHOICES) {
      choice = true;
    } else if (member == CHOICES_MEMBER && array) {
      choices = true;
      return CHOICES;
    } else if (member == USAGE_MEMBER) {
      usageObject = !array;
    }
    return SKIP;
  }

  @Override
  void scalar(int context, int member, Scalar kind, byte[] text, int length) {
    choice |= context == CHOICES;
    usageNull |= member == USAGE_MEMBER && kind == Scalar.NULL;
  }

  @Override
  void ended(int context, int member, long end) {
    if (member == USAGE_MEMBER) {
      usageEnd = end;
    }
  }
}
