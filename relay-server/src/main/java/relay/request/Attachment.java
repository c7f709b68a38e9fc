package relay.request;

/**
 * What an attachment counts as in bytes of text: it is encoded, so its own length says little of
 * its tokens. A flat estimate with bounds: an image is scaled by providers to about 1,500 tokens, a
 * document's page takes 1,500 to 3,000. The learned ratio of the model then applies as to text, so
 * it covers attachments that the provider's cache spares, too.
 */
final class Attachment {
  /** At four bytes a token, 1,500 tokens. */
  static final long IMAGE_BYTES = 6_000;

  /** What a PDF begins with, encoded. */
  static final String PDF_IN_BASE64 = "JVBER";

  private static final long MOST_DOCUMENT_BYTES = 400_000;
  private static final int PAYLOAD_PER_DOCUMENT_BYTE = 4;
  private static final int PAYLOAD_PER_AUDIO_BYTE = 256;

  /** Of one request: a million tokens, more than any model reads. */
  private static final long MOST_BYTES = 4_000_000;

  private Attachment() {}

  static long image(long payloadBytes) {
    return Math.min(payloadBytes, IMAGE_BYTES);
  }

  static long document(long payloadBytes) {
    return Math.clamp(
        payloadBytes / PAYLOAD_PER_DOCUMENT_BYTE, image(payloadBytes), MOST_DOCUMENT_BYTES);
  }

  /** Ten tokens a second, of speech at 64 kbit a second. */
  static long audio(long payloadBytes) {
    return Math.min(payloadBytes / PAYLOAD_PER_AUDIO_BYTE, MOST_DOCUMENT_BYTES);
  }

  static long bounded(long bytes) {
    return Math.min(bytes, MOST_BYTES);
  }
}
