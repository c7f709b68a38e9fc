package relay.edge;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class Http2FramesTest {
  private static final int DATA = 0;
  private static final int HEADERS = 1;
  private static final int SETTINGS = 4;
  private static final int CONTINUATION = 9;
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
}
