package relay.load;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;

/** Parses HTTP/1.1 responses, one at a time, from input split anywhere. Keeps no body bytes. */
final class AnswerReader {
  private static final int MOST_HEAD_BYTES = 16 << 10;
  private static final int MOST_CHUNK_DIGITS = 8;

  private enum State {
    HEAD,
    BODY,
    CHUNK_SIZE,
    CHUNK,
    CHUNK_END,
    TRAILER
  }

  private final BodyPart body;
  private byte[] head = new byte[1024];
  private int headLength;
  private State state = State.HEAD;
  private int status;
  private boolean closes;
  private long left; // remaining bytes of the body or the chunk
  private int lineLength; // length so far of a chunk's size line or a trailer line
  private long bodyBytes;

  AnswerReader(BodyPart body) {
    this.body = body;
  }

  int status() {
    return status;
  }

  /** Whether the server closes the connection after this answer. */
  boolean closes() {
    return closes;
  }

  long bodyBytes() {
    return bodyBytes;
  }

  /** Resets for the next answer. */
  void reset() {
    state = State.HEAD;
    headLength = 0;
    status = 0;
    closes = false;
    bodyBytes = 0;
  }

  /** Parses bytes; returns whether they complete the answer. Extra bytes are a fault. */
  boolean feed(byte[] bytes, int to) throws IOException {
    int p = 0;
    while (p < to) {
      switch (state) {
        case HEAD -> {
          p = head(bytes, to);
          if (state == State.BODY && left == 0) {
            return true;
          }
        }
        case BODY -> {
          p = pass(bytes, p, to);
          if (left == 0) {
            return true;
          }
        }
        case CHUNK -> {
          p = pass(bytes, p, to);
          if (left == 0) {
            state = State.CHUNK_END;
          }
        }
        case CHUNK_END -> {
          if (bytes[p++] == '\n') {
            startLine(State.CHUNK_SIZE);
          }
        }
        case CHUNK_SIZE -> chunkSize(bytes[p++]);
        case TRAILER -> {
          byte b = bytes[p++];
          if (b == '\n' && lineLength == 0) {
            return true;
          }
          lineLength = b == '\n' ? 0 : b == '\r' ? lineLength : lineLength + 1;
        }
      }
    }
    return false;
  }

  private int pass(byte[] bytes, int from, int to) {
    int stop = (int) Math.min(to, from + left);
    body.see(bytes, from, stop);
    bodyBytes += stop - from;
    left -= stop - from;
    return stop;
  }

  private void startLine(State next) {
    state = next;
    lineLength = 0;
    left = 0;
  }

  private void chunkSize(byte b) throws IOException {
    if (b == '\n') {
      if (lineLength == 0) {
        throw new IOException("a chunk without a size");
      }
      if (left == 0) {
        startLine(State.TRAILER);
      } else {
        state = State.CHUNK;
      }
    } else if (b != '\r') {
      int digit = Character.digit(b, 16);
      if (digit < 0 || ++lineLength > MOST_CHUNK_DIGITS) {
        throw new IOException("a chunk with an invalid size");
      }
      left = left << 4 | digit;
    }
  }

  /** Parses the head; returns where the body starts in these bytes, or their end. */
  private int head(byte[] bytes, int to) throws IOException {
    int known = headLength;
    if (known + to > head.length) {
      head = Arrays.copyOf(head, 2 * (known + to));
    }
    System.arraycopy(bytes, 0, head, known, to);
    headLength += to;
    for (int n = Math.max(3, known); n < headLength; n++) {
      if (head[n] == '\n' && head[n - 1] == '\r' && head[n - 2] == '\n' && head[n - 3] == '\r') {
        parse(new String(head, 0, n - 1, StandardCharsets.ISO_8859_1).toLowerCase(Locale.ROOT));
        return n + 1 - known;
      }
    }
    if (headLength > MOST_HEAD_BYTES) {
      throw new IOException("an answer's head without an end");
    }
    return to;
  }

  private void parse(String text) throws IOException {
    if (!text.startsWith("http/1.1 ")) {
      throw new IOException("not HTTP/1.1");
    }
    status = Integer.parseInt(text.substring(9, 12));
    closes = text.contains("\r\nconnection: close\r\n");
    if (text.contains("\r\ntransfer-encoding: chunked\r\n")) {
      startLine(State.CHUNK_SIZE);
      return;
    }
    String length = "\r\ncontent-length: ";
    int at = text.indexOf(length);
    if (at < 0) {
      throw new IOException("an answer without a length");
    }
    int from = at + length.length();
    left = Long.parseLong(text.substring(from, text.indexOf('\r', from)));
    state = State.BODY;
  }
}
