package relay.reach;

import io.undertow.server.protocol.framed.FrameHeaderData;
import java.lang.reflect.Field;
import org.jspecify.annotations.Nullable;

/** The head of an HTTP/2 frame, as in RFC 9113, section 4.1. Undertow has no API for it. */
public record FrameHead(int type, int flags, int stream) {
  public static final int DATA = 0;
  public static final int HEADERS = 1;
  public static final int RST_STREAM = 3;
  public static final int CONTINUATION = 9;
  private static final int END_HEADERS = 4;
  private static final int PADDED = 8;

  private record Fields(Field type, Field flags, Field stream) {
    static Fields find() throws ReflectiveOperationException {
      return new Fields(field("type"), field("flags"), field("streamId"));
    }

    private static Field field(String name) throws ReflectiveOperationException {
      return Parts.field("io.undertow.protocols.http2.Http2FrameHeaderParser", name, int.class);
    }
  }

  private static final @Nullable Fields FIELDS =
      Parts.find("frame_head", "clients cannot use HTTP/2", Fields::find);

  /** Whether heads can be read. If not, no connection should speak HTTP/2. */
  public static boolean isKnown() {
    return FIELDS != null;
  }

  /** Whether the header lines go on in the next frame. */
  public boolean isContinued() {
    return (type == HEADERS || type == CONTINUATION) && (flags & END_HEADERS) == 0;
  }

  /** Whether the first byte of data tells the padding's length. Undertow's length is without it. */
  public boolean isPadded() {
    return (flags & PADDED) != 0;
  }

  /** Null for a frame of another class than expected. */
  public static @Nullable FrameHead of(@Nullable FrameHeaderData data) {
    try {
      return FIELDS != null && FIELDS.type.getDeclaringClass().isInstance(data)
          ? new FrameHead(
              FIELDS.type.getInt(data), FIELDS.flags.getInt(data), FIELDS.stream.getInt(data))
          : null;
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e); // it was made accessible
    }
  }
}
