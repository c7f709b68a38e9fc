package relay.request;

import org.jspecify.annotations.Nullable;

/**
 * The facts that Relay needs from a valid request. The ranges apply only to the scanned body.
 *
 * @param bodyLength bytes of the body
 * @param model the model's name, escapes decoded; never empty, except in {@link #UNREAD}
 * @param modelValue the range of its value, quotes included
 * @param stream whether the client requests a streamed response
 * @param maxOutputTokens the largest of {@code max_tokens}, {@code max_completion_tokens} and
 *     {@code max_output_tokens}; {@link #NO_BOUND} if absent
 * @param streamOptions the range of the value of {@code stream_options}, of any type
 * @param includeUsageValue the range of the value of {@code stream_options.include_usage}
 * @param includeUsage whether that value is {@code true}
 * @param textBytes decoded UTF-8 bytes of all string values except base64 payloads, plus the text
 *     equivalent of an {@code input} given as token numbers
 * @param attachedBytes the estimated text equivalent of images, documents and audio, in bytes
 * @param speed the value of {@code speed}, if it is a short text; else empty
 * @param serviceTier likewise of {@code service_tier}
 * @param namesState whether it may name what only one account of the provider knows, or have it
 *     made: a stored answer, a file, a container
 * @param session the conversation's id, 32 hexadecimal digits; empty if there is none or if the
 *     scan did not look for it
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
    String speed,
    String serviceTier,
    boolean namesState,
    String session)
    implements RequestScan {

  /** The request does not bound its output. */
  public static final long NO_BOUND = -1;

  /** The facts of a body that was not scanned. It may not even be JSON. */
  public static final RequestFacts UNREAD =
      new RequestFacts(
          0, "", new ByteRange(0, 0), false, NO_BOUND, null, null, false, 0, 0, "", "", false, "");

  /** The bytes from which input tokens are estimated. */
  public long inputBytes() {
    return textBytes + attachedBytes;
  }
}
