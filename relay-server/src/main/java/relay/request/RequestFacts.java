package relay.request;

import org.jspecify.annotations.Nullable;

/**
 * A valid request, as far as Relay looks into it. The ranges are those of the body that was scanned
 * and mean nothing for another one.
 *
 * @param bodyLength bytes of the body
 * @param model the model's name, escapes decoded; never empty in a body that was read
 * @param modelValue where its value stands, quotes included
 * @param stream whether the answer is to be a stream
 * @param maxOutputTokens the largest of {@code max_tokens}, {@code max_completion_tokens} and
 *     {@code max_output_tokens}; {@link #NO_BOUND} when none was given
 * @param streamOptions where the value of {@code stream_options} stands, whatever its type
 * @param includeUsageValue where the value of {@code stream_options.include_usage} stands
 * @param includeUsage whether that value is {@code true}
 * @param textBytes decoded UTF-8 bytes of all string values but base64 payloads: what a model
 *     reads; and for an {@code input} of tokens what they would be as text
 * @param attachedBytes bytes of text that images, documents and audio probably count as much as
 * @param session what tells the conversation from others, in 32 hexadecimal digits; empty if
 *     nothing does, or if it was not asked for
 */
public record RequestFacts(
    int bodyLength,
    String model,
    ByteRange modelValue,
    boolean stream,
    long maxOutputTokens,
    @Nullable ByteRange streamOptions,
    @Nullable ByteRange includeUsageValue,
    boolean includeUsage,
    long textBytes,
    long attachedBytes,
    String session)
    implements RequestScan {

  /** The request does not bound its output. */
  public static final long NO_BOUND = -1;

  /** Of a body that nobody looked into, and that may be anything. */
  public static final RequestFacts UNREAD =
      new RequestFacts(0, "", new ByteRange(0, 0), false, NO_BOUND, null, null, false, 0, 0, "");

  /** Bytes that input tokens are estimated from. */
  public long inputBytes() {
    return textBytes + attachedBytes;
  }
}
