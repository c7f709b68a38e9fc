package relay.request;

/**
 * Converts an attachment's size to the equivalent bytes of text. The encoded length says little
 * about tokens, so this is a rough, bounded estimate: providers scale an image to about 1,500
 * tokens, and a document page takes 1,500 to 3,000. The model's learned ratio then applies as it
 * does to text, so it also corrects for attachments in the provider's cache.
 */
final class Attachment {
  /** 1,500 tokens at four bytes per token. */
  static final long IMAGE_BYTES = 6_000;

  /** The start of a PDF ({@code %PDF}) in base64. */
  private static final String PDF_IN_BASE64 = "JVBER";

  private static final long MOST_DOCUMENT_BYTES = 400_000;
  private static final int PAYLOAD_PER_DOCUMENT_BYTE = 4;
  private static final int PAYLOAD_PER_AUDIO_BYTE = 256;

  /** The bound per request: a million tokens, more than any model accepts. */
  private static final long MOST_BYTES = 4_000_000;

  private Attachment() {}

  /**
   * The size of a payload in base64.
   *
   * @param start where it begins in the text
   */
  static long inBase64(JsonText text, int start, long payloadBytes) {
    return text.startsWith(start, PDF_IN_BASE64) ? document(payloadBytes) : image(payloadBytes);
  }

  /**
   * The size of the {@code data:} URL that was read last.
   *
   * @param start of the string in the text
   */
  static long inUrl(JsonText text, int start, boolean isFile) {
    return isFile || text.startsWith(start, "\"data:application/")
        ? document(text.decodedLength)
        : image(text.decodedLength);
  }

  /** Whether a member names an image by its URL. */
  static boolean isImage(Name name, Role role) {
    return name == Name.IMAGE_URL
        || (name == Name.URL && (role == Role.IMAGE_URL || role == Role.SOURCE));
  }

  private static long image(long payloadBytes) {
    return Math.min(payloadBytes, IMAGE_BYTES);
  }

  private static long document(long payloadBytes) {
    return Math.clamp(
        payloadBytes / PAYLOAD_PER_DOCUMENT_BYTE, image(payloadBytes), MOST_DOCUMENT_BYTES);
  }

  /** Ten tokens per second for speech at 64 kbit/s. */
  static long audio(long payloadBytes) {
    return Math.min(payloadBytes / PAYLOAD_PER_AUDIO_BYTE, MOST_DOCUMENT_BYTES);
  }

  static long bounded(long bytes) {
    return Math.min(bytes, MOST_BYTES);
  }
}
