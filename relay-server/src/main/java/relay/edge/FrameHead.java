package relay.edge;

import io.undertow.server.protocol.framed.FrameHeaderData;
import java.lang.reflect.Field;
import org.jspecify.annotations.Nullable;

/** The head of an HTTP/2 frame, as in RFC 9113, section 4.1. Undertow has no API for it. */
record FrameHead(int type, int flags, int stream) {
  static final int DATA = 0;
  static final int HEADERS = 1;
  static final int RST_STREAM = 3;
  static final int CONTINUATION = 9;
  private static final int END_HEADERS = 4;

  private static final String PARSER = "io.undertow.protocols.http2.Http2FrameHeaderParser";
  private static final Field TYPE = field("type");
  private static final Field FLAGS = field("flags");
  private static final Field STREAM = field("streamId");

  private static Field field(String name) {
    try {
      Field field = Class.forName(PARSER).getDeclaredField(name);
      field.setAccessible(true);
      return field;
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("this version of Undertow is built otherwise", e);
    }
  }

  /** Whether the header lines go on in the next frame. */
  boolean isContinued() {
    return (type == HEADERS || type == CONTINUATION) && (flags & END_HEADERS) == 0;
  }

  /** Null for a frame of another class than expected. */
  static @Nullable FrameHead of(@Nullable FrameHeaderData data) {
    try {
      return TYPE.getDeclaringClass().isInstance(data)
          ? new FrameHead(TYPE.getInt(data), FLAGS.getInt(data), STREAM.getInt(data))
          : null;
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e); // it was made accessible
    }
  }
}
