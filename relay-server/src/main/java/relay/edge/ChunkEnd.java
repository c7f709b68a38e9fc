package relay.edge;

import io.undertow.conduits.ChunkedStreamSinkConduit;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import org.xnio.conduits.StreamSinkConduit;

/** Where an answer stands that Undertow writes in chunks; it shows it to nobody. */
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
   * Whether another chunk may follow on the socket: what was written before, and flushed, are
   * chunks, and the last is whole. Its line break need not have found room with its data. Then
   * Undertow, which counts data alone, keeps it for its next write.
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
