package relay.reach;

import java.lang.reflect.Field;
import okio.Source;
import org.jspecify.annotations.Nullable;

/**
 * OkHttp's count of the bytes that a chunk lacks, so that another reader can take over from OkHttp
 * between any two bytes of a body, and back.
 */
public final class ChunkCount {
  /** After a chunk's data: its line break is still unread. */
  public static final long ENDED = 0;

  /** Between chunks, and before the first: a size comes next. */
  public static final long NONE = -1;

  private static final @Nullable Field LACKS =
      Parts.find(
          "chunk_count",
          "streams take more processor time and memory",
          () ->
              Parts.field(
                  "okhttp3.internal.http1.Http1ExchangeCodec$ChunkedSource",
                  "bytesRemainingInChunk",
                  long.class));

  private final Field field;
  private final Source chunks;

  private ChunkCount(Field field, Source chunks) {
    this.field = field;
    this.chunks = chunks;
  }

  /** Null if the source does not read chunks, or has no such count. */
  public static @Nullable ChunkCount of(Source source) {
    return LACKS != null && LACKS.getDeclaringClass().isInstance(source)
        ? new ChunkCount(LACKS, source)
        : null;
  }

  public long get() {
    try {
      return field.getLong(chunks);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e); // it was made accessible
    }
  }

  public void set(long bytes) {
    try {
      field.setLong(chunks, bytes);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e); // it was made accessible
    }
  }
}
