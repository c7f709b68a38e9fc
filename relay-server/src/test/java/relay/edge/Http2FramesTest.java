package relay.edge;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class Http2FramesTest {
  private static final int DATA = 0;
  private static final int HEADERS = 1;
  private static final int SETTINGS = 4;
  private static final int CONTINUATION = 9;
  private static final int PRIORITY = 2;
  private static final int PING = 6;
  private static final int WINDOW_UPDATE = 8;
  private static final int UNKNOWN = 77;
  private static final int END_STREAM = 1;
  private static final int END_HEADERS = 4;

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final Http2Frames frames = new Http2Frames(Http2Frames.PREFACE_BYTES);

  private void frame(int type, int flags, int length) {
    bytes.writeBytes(new byte[] {(byte) (length >> 16), (byte) (length >> 8), (byte) length});
    bytes.writeBytes(new byte[] {(byte) type, (byte) flags, 0, 0, 0, 1});
    bytes.writeBytes(new byte[length]);
  }

  private int accepted(int pieceBytes) {
    ByteBuffer all = ByteBuffer.wrap(bytes.toByteArray());
    bytes.reset();
    int held = 0;
    for (int from = 0; from < all.limit(); from += pieceBytes) {
      held = frames.accept(all, from, Math.min(all.limit(), from + pieceBytes));
    }
    return held;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 1000, 100_000})
  void a_head_counts_until_its_last_frame_is_complete(int pieceBytes) {
    bytes.writeBytes(new byte[Http2Frames.PREFACE_BYTES]);
    frame(SETTINGS, 0, 0);
    frame(HEADERS, END_HEADERS, 300);
    frame(DATA, END_HEADERS, 5_000); // the flag means something else here
    assertEquals(0, accepted(pieceBytes));
    frame(HEADERS, 0, 16_000);
    assertEquals(16_000, accepted(pieceBytes));
    frame(CONTINUATION, 0, 4_000);
    frame(CONTINUATION, 0, 0);
    assertEquals(20_000, accepted(pieceBytes));
    frame(CONTINUATION, END_HEADERS, 100);
    frame(DATA, 0, 70_000);
    assertEquals(0, accepted(pieceBytes));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 1000, 100_000})
  void frames_that_are_of_no_request_are_counted(int pieceBytes) {
    bytes.writeBytes(new byte[Http2Frames.PREFACE_BYTES]);
    for (int type : new int[] {PRIORITY, SETTINGS, PING, WINDOW_UPDATE, UNKNOWN}) {
      frame(type, 0, 0);
      frame(type, 0, 6);
    }
    frame(DATA, 0, 0);
    frame(CONTINUATION, 0, 0);
    frame(HEADERS, END_HEADERS, 10);
    frame(DATA, 0, 1);
    frame(DATA, END_STREAM, 0);
    frame(HEADERS, END_HEADERS | END_STREAM, 0);
    assertEquals(0, accepted(pieceBytes));
    assertEquals(16, frames.takeAll());
    assertEquals(12, frames.takeOthers());
    assertEquals(2, frames.takeHeads());
    assertEquals(0, frames.takeOthers());
  }

  /** Undertow would fill a table of any size that a client offers. */
  @ParameterizedTest
  @CsvSource({
    "0,0",
    "1,1",
    "4095,4095",
    "4096,4096",
    "4097,4096",
    "4351,4096",
    "8192,4096",
    "65536,4096",
    "16777216,4096",
    "16777217,4096",
    "2147483647,4096",
    "-1,4096"
  })
  void a_table_for_answers_has_no_more_than_the_usual_size(int offered, int left) {
    int[][] settings = {{3, 100}, {1, offered}, {4, 0x7fffffff}, {1, 7}, {257, offered}};
    ByteBuffer payload = ByteBuffer.allocate(6 * settings.length);
    for (int[] setting : settings) {
      payload.putShort((short) setting[0]).putInt(setting[1]);
    }
    for (int pieceBytes : new int[] {1, 5, 1000}) {
      Http2Frames fresh = new Http2Frames(0);
      ByteBuffer all = ByteBuffer.allocate(9 + payload.capacity());
      all.put(new byte[] {0, 0, (byte) payload.capacity(), SETTINGS, 0, 0, 0, 0, 0});
      all.put(payload.array()).flip();
      for (int from = 0; from < all.limit(); from += pieceBytes) {
        var _ = fresh.accept(all, from, Math.min(all.limit(), from + pieceBytes));
      }
      all.position(9);
      for (int[] setting : settings) {
        assertEquals(setting[0], all.getShort());
        boolean isSize = setting[0] == 1 && setting[1] == offered;
        assertEquals(isSize ? left : setting[1], all.getInt());
      }
    }
  }
}
