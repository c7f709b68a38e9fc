package relay.edge;

import io.undertow.conduits.ChunkedStreamSinkConduit;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import org.xnio.conduits.StreamSinkConduit;

/** Whether Undertow has written its last chunk completely. Undertow has no API for that. */
final class ChunkEnd {
  private static final Field LINE_BREAK = field("chunkingSepBuffer");

  private ChunkEnd() {}

  private static Field field(String name) {
    try {
      Field field = ChunkedStreamSinkConduit.class.getDeclaredField(name);
      field.setAccessible(true);
      return field;
    } catch (NoSuchFieldException e) {
      throw new IllegalStateException("this version of Undertow is built otherwise", e);
    }
  }

  /**
   * Whether another chunk may follow on the socket: the answer is chunked, and its last chunk is
   * complete. The line break of a chunk may not fit with its data. Undertow then keeps it for the
   * next write, although it has counted the data as written.
   */
  static boolean isReached(StreamSinkConduit answer) {
    try {
      return answer instanceof ChunkedStreamSinkConduit
          && !((ByteBuffer) LINE_BREAK.get(answer)).hasRemaining();
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e); // it was made accessible
    }
  }
}
