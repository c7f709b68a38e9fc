package relay.stream;

import java.util.zip.DataFormatException;

/** Decodes one answer, whose bytes may be split anywhere. Holds native memory. Not thread-safe. */
interface Decoder extends AutoCloseable {

  /** Receives what was decoded. */
  interface Output {
    /**
     * @param block must not be kept
     * @throws DataFormatException to stop the decoding
     */
    void decoded(byte[] block, int length) throws DataFormatException;
  }

  /**
   * Decodes the next bytes; the buffer is not kept.
   *
   * @throws DataFormatException if they are invalid; then only {@link #close} may follow
   */
  void decode(byte[] buf, int off, int len, Output output) throws DataFormatException;

  /** The most decoded bytes that it holds to refer to, beyond a fixed size; 0 if negligible. */
  long windowBytes();

  /** Frees the native memory. To be called once. */
  @Override
  void close();
}
