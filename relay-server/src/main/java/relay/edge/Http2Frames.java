package relay.edge;

import java.nio.ByteBuffer;

/**
 * Follows the frames that arrive on an HTTP/2 connection, to learn how much of an unfinished head
 * it holds (a HEADERS frame, and CONTINUATION frames until the one with END_HEADERS), and how many
 * frames are of no request. The input may be cut anywhere. Not thread-safe.
 */
final class Http2Frames {
  /** "PRI * HTTP/2.0", a blank line, "SM" and another one. */
  static final int PREFACE_BYTES = 24;

  private static final int FRAME_HEAD_BYTES = 9;
  private static final int TYPE_AT = 3;
  private static final int FLAGS_AT = 4;
  private static final int DATA = 0;
  private static final int HEADERS = 1;
  private static final int SETTINGS = 4;
  private static final int CONTINUATION = 9;
  private static final int END_STREAM = 1;
  private static final int END_HEADERS = 4;

  private static final int SETTING_BYTES = 6;
  private static final int TABLE_SIZE = 1; // a setting
  private static final int TABLE_SIZE_AT = 2; // in the setting, four bytes

  /** The third byte of 4,096, the size that both sides begin with. */
  private static final int MOST_OF_THIRD = 0x10;

  private int skip; // of the preface
  private int at; // bytes of the frame's own head
  private int length; // of the frame's payload
  private int left; // bytes of it
  private int type;
  private int flags;
  private int unfinished;
  private int settingAt;
  private int setting;
  private boolean sizeIsFull;
  private int all; // since they were taken, as the next
  private int heads;
  private int others;

  /**
   * @param skip bytes before the first frame
   */
  Http2Frames(int skip) {
    this.skip = skip;
  }

  /**
   * Follows more input. A client may offer any size for the table of an answer's header lines, and
   * Undertow would fill it: no more than the usual size is left of the offer.
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
        if (type == SETTINGS) {
          settings(bytes, p, p + some);
        }
        left -= some;
        p += some;
        if (isOfHead()) {
          unfinished += some;
        }
      }
      if (at == FRAME_HEAD_BYTES && left == 0) {
        at = 0;
        count();
        if (isOfHead() && (flags & END_HEADERS) != 0) {
          unfinished = 0;
        }
      }
    }
    return unfinished;
  }

  /** The frames since the last call. */
  int takeAll() {
    int n = all;
    all = 0;
    return n;
  }

  /** The frames that began a request, or ended one with trailers, since the last call. */
  int takeHeads() {
    int n = heads;
    heads = 0;
    return n;
  }

  /** The frames that were of no request since the last call. */
  int takeOthers() {
    int n = others;
    others = 0;
    return n;
  }

  private void count() {
    all++;
    boolean empty = length == 0 && (type != DATA || (flags & END_STREAM) == 0);
    if (type == HEADERS) {
      heads++;
    } else if (empty || (type != DATA && type != CONTINUATION)) {
      others++;
    }
  }

  private boolean isOfHead() {
    return type == HEADERS || type == CONTINUATION;
  }

  private void frameHead(int b) {
    if (at < TYPE_AT) {
      length = at == 0 ? b : length << 8 | b;
      left = length;
      settingAt = 0;
    } else if (at == TYPE_AT) {
      type = b;
    } else if (at == FLAGS_AT) {
      flags = b;
    }
    at++;
  }

  private void settings(ByteBuffer bytes, int from, int end) {
    for (int p = from; p < end; p++) {
      int b = bytes.get(p) & 0xff;
      if (settingAt < TABLE_SIZE_AT) {
        setting = settingAt == 0 ? b : setting << 8 | b;
        sizeIsFull = false;
      } else if (setting == TABLE_SIZE) {
        bytes.put(p, (byte) ofSize(settingAt - TABLE_SIZE_AT, b));
      }
      settingAt = (settingAt + 1) % SETTING_BYTES;
    }
  }

  /** A byte of the table's size, so that the size is 4,096 at most. */
  private int ofSize(int place, int b) {
    sizeIsFull |= b > (place < 2 ? 0 : place == 2 ? MOST_OF_THIRD - 1 : 0xff);
    return place == 2 && sizeIsFull ? MOST_OF_THIRD : sizeIsFull ? 0 : b;
  }
}
