package relay.reach;

import io.undertow.protocols.http2.HpackDecoder;
import io.undertow.server.protocol.framed.FrameHeaderData;
import java.lang.reflect.Field;
import org.jspecify.annotations.Nullable;

/** The head of an HTTP/2 frame, as in RFC 9113, section 4.1. Undertow has no API for it. */
public record FrameHead(int type, int flags, int stream) {
  public static final int DATA = 0;
  public static final int HEADERS = 1;
  public static final int RST_STREAM = 3;
  public static final int GO_AWAY = 7;
  public static final int CONTINUATION = 9;
  private static final int END_STREAM = 1;
  private static final int END_HEADERS = 4;
  private static final int PADDED = 8;

  private record Fields(Field type, Field flags, Field stream, Field ofLines) {
    private static final String PACKAGE = "io.undertow.protocols.http2.";

    static Fields find() throws ReflectiveOperationException {
      return new Fields(
          field("type"),
          field("flags"),
          field("streamId"),
          Parts.field(PACKAGE + "Http2HeaderBlockParser", "streamId", int.class));
    }

    private static Field field(String name) throws ReflectiveOperationException {
      return Parts.field(PACKAGE + "Http2FrameHeaderParser", name, int.class);
    }
  }

  private static final @Nullable Fields FIELDS =
      Parts.find("frame_head", "clients cannot use HTTP/2", Fields::find);

  /** Whether heads can be read. If not, no connection should speak HTTP/2. */
  public static boolean isKnown() {
    return FIELDS != null;
  }

  /** The stream whose header lines are decoded; 0 if it is not known. */
  public static int streamOf(HpackDecoder.HeaderEmitter lines) {
    try {
      return FIELDS != null && FIELDS.ofLines.getDeclaringClass().isInstance(lines)
          ? FIELDS.ofLines.getInt(lines)
          : 0;
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e); // it was made accessible
    }
  }

  /** Whether the frame has header lines: a stream's head, or its trailers. */
  public boolean hasLines() {
    return type == HEADERS || type == CONTINUATION;
  }

  /** Whether the header lines go on in the next frame. */
  public boolean isContinued() {
    return hasLines() && (flags & END_HEADERS) == 0;
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

  /** Makes a frame the only one with a stream's trailers: it ends the stream. */
  public static void endStream(FrameHeaderData data) {
    try {
      if (FIELDS != null) {
        FIELDS.type.setInt(data, HEADERS);
        FIELDS.flags.setInt(data, END_STREAM | END_HEADERS);
      }
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e); // it was made accessible
    }
  }
}
