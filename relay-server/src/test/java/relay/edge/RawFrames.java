package relay.edge;

import java.io.ByteArrayOutputStream;

/** Frames of HTTP/2, as bytes: RFC 9113, section 4.1. */
final class RawFrames {
  private RawFrames() {}

  static byte[] frame(int type, int flags, int stream, byte[] payload) {
    return frame(type, flags, stream, payload.length, payload);
  }

  /**
   * A frame whose payload may be cut off.
   *
   * @param length of the payload, as announced
   */
  static byte[] frame(int type, int flags, int stream, int length, byte[] payload) {
    ByteArrayOutputStream frame = new ByteArrayOutputStream();
    frame.writeBytes(new byte[] {(byte) (length >> 16), (byte) (length >> 8), (byte) length});
    frame.writeBytes(
        new byte[] {(byte) type, (byte) flags, 0, 0, (byte) (stream >> 8), (byte) stream});
    frame.writeBytes(payload);
    return frame.toByteArray();
  }
}
