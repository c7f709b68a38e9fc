package relay.edge;

import java.nio.ByteBuffer;

/**
 * Follows the frames of an HTTP/2 connection to learn how much of an unfinished head it holds: a
 * HEADERS frame, and CONTINUATION frames until the one with END_HEADERS. The input may be cut
 * anywhere. Not thread-safe.
 */
final class Http2Frames {
  /** "PRI * HTTP/2.0", a blank line, "SM" and another one. */
  static final int PREFACE_BYTES = 24;

  private static final int FRAME_HEAD_BYTES = 9;
  private static final int TYPE_AT = 3;
  private static final int FLAGS_AT = 4;
  private static final int HEADERS = 1;
  private static final int CONTINUATION = 9;
  private static final int END_HEADERS = 4;

  private int skip; // of the preface
  private int at; // bytes of the frame's own head
  private int left; // bytes of the frame's payload
  private int type;
  private boolean ends;
  private int unfinished;

  /**
   * @param skip bytes before the first frame
   */
  Http2Frames(int skip) {
    this.skip = skip;
  }

  /**
   * Follows more input.
   *
   * @return the bytes of the unfinished head so far; 0 if there is none
   */
  int accept(ByteBuffer bytes, int from, int end) {
    int p = from + Math.min(skip, end - from);
    skip -= p - from;
    while (p < end) {
      if (at < FRAME_HEAD_BYTES) {
        frameHead(bytes.get(p++) & 0xff);
      } else {
        int some = Math.min(left, end - p);
        left -= some;
        p += some;
        if (isOfHead()) {
          unfinished += some;
        }
      }
      if (at == FRAME_HEAD_BYTES && left == 0) {
        at = 0;
        if (isOfHead() && ends) {
          unfinished = 0;
        }
      }
    }
    return unfinished;
  }

  private boolean isOfHead() {
    return type == HEADERS || type == CONTINUATION;
  }

  private void frameHead(int b) {
    if (at < TYPE_AT) {
      left = at == 0 ? b : left << 8 | b;
    } else if (at == TYPE_AT) {
      type = b;
    } else if (at == FLAGS_AT) {
      ends = (b & END_HEADERS) != 0;
    }
    at++;
  }
}
