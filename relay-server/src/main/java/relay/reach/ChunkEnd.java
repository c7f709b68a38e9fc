package relay.reach;

import io.undertow.conduits.ChunkedStreamSinkConduit;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.xnio.conduits.StreamSinkConduit;

/** Whether Undertow has written its last chunk completely. Undertow has no API for that. */
public final class ChunkEnd {
  private static final @Nullable Field LINE_BREAK =
      Parts.find(
          "chunk_end",
          "an event of a stream takes more processor time",
          () ->
              Parts.field(
                  ChunkedStreamSinkConduit.class.getName(), "chunkingSepBuffer", ByteBuffer.class));

  private ChunkEnd() {}

  /**
   * Whether another chunk may follow on the socket: the answer is chunked, and its last chunk is
   * complete. The line break of a chunk may not fit with its data. Undertow then keeps it for the
   * next write, although it has counted the data as written. False if that cannot be known.
   */
  public static boolean isReached(StreamSinkConduit answer) {
    return LINE_BREAK != null
        && answer instanceof ChunkedStreamSinkConduit
        && Parts.get(LINE_BREAK, answer) instanceof ByteBuffer rest
        && !rest.hasRemaining();
  }
}
