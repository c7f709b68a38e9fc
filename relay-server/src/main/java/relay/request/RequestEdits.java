package relay.request;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import org.jspecify.annotations.Nullable;
import relay.model.JsonString;

/**
 * The two changes that Relay makes to a body. All other bytes stay the same, to keep the provider's
 * prompt cache prefix and client signatures valid.
 *
 * <p>The facts must come from the same body.
 */
public final class RequestEdits {
  private static final byte[] TRUE = "true".getBytes(ISO_8859_1);
  private static final byte[] MEMBER = "\"include_usage\":true".getBytes(ISO_8859_1);
  private static final byte[] MEMBER_COMMA = "\"include_usage\":true,".getBytes(ISO_8859_1);
  private static final byte[] OBJECT = "{\"include_usage\":true}".getBytes(ISO_8859_1);
  private static final byte[] OPTIONS_COMMA =
      "\"stream_options\":{\"include_usage\":true},".getBytes(ISO_8859_1);

  private RequestEdits() {}

  /**
   * Returns the body with none, one or both of the changes.
   *
   * @param model the new name; null = unchanged
   * @param includeUsage whether to request usage; no effect if the client already does
   */
  public static byte[] edit(
      byte[] body, RequestFacts facts, @Nullable String model, boolean includeUsage) {
    Splice name =
        model == null
            ? Splice.NONE
            : new Splice(facts.modelValue(), JsonString.quote(model).getBytes(UTF_8));
    Splice usage = includeUsage && !facts.includeUsage() ? includeUsage(body, facts) : Splice.NONE;
    boolean nameFirst = name.range.start() < usage.range.start();
    Splice first = nameFirst ? name : usage;
    Splice second = nameFirst ? usage : name;

    byte[] out = new byte[facts.bodyLength() + first.growth() + second.growth()];
    int written = first.apply(body, 0, out, 0);
    written = second.apply(body, first.range.end(), out, written);
    int rest = second.range.end();
    System.arraycopy(body, rest, out, written, facts.bodyLength() - rest);
    return out;
  }

  private static Splice includeUsage(byte[] body, RequestFacts facts) {
    ByteRange value = facts.includeUsageValue();
    if (value != null) {
      return new Splice(value, TRUE);
    }
    ByteRange options = facts.streamOptions();
    if (options == null) {
      // A valid request has a model, so the object is not empty and the comma is needed.
      return Splice.insert(afterSpace(body, 0) + 1, OPTIONS_COMMA);
    }
    if (body[options.start()] != '{') {
      return new Splice(options, OBJECT);
    }
    boolean empty = body[afterSpace(body, options.start() + 1)] == '}';
    return Splice.insert(options.start() + 1, empty ? MEMBER : MEMBER_COMMA);
  }

  private static int afterSpace(byte[] body, int from) {
    int p = from;
    while (body[p] <= ' ') {
      p++;
    }
    return p;
  }

  /** A range of the body and its replacement. */
  private static final class Splice {
    static final Splice NONE = insert(0, new byte[0]);

    final ByteRange range;
    final byte[] replacement;

    Splice(ByteRange range, byte[] replacement) {
      this.range = range;
      this.replacement = replacement;
    }

    static Splice insert(int at, byte[] bytes) {
      return new Splice(new ByteRange(at, at), bytes);
    }

    int growth() {
      return replacement.length - range.length();
    }

    /** Copies the bytes from {@code from} up to this range, then the replacement. */
    int apply(byte[] body, int from, byte[] out, int at) {
      int kept = range.start() - from;
      System.arraycopy(body, from, out, at, kept);
      System.arraycopy(replacement, 0, out, at + kept, replacement.length);
      return at + kept + replacement.length;
    }
  }
}
