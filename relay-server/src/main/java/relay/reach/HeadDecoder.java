package relay.reach;

import io.undertow.protocols.http2.HpackDecoder;
import io.undertow.protocols.http2.Http2Channel;
import java.lang.reflect.Field;
import org.jspecify.annotations.Nullable;

/** Replaces the decoder of a client's HTTP/2 connection. Undertow has no place for another. */
public final class HeadDecoder {
  private static final @Nullable Field FIELD =
      Parts.find(
          "head_decoder",
          "clients cannot use HTTP/2",
          () -> Parts.field(Http2Channel.class.getName(), "decoder", HpackDecoder.class));

  private HeadDecoder() {}

  /** Whether it can be replaced. If not, no connection should speak HTTP/2. */
  public static boolean isReplaceable() {
    return FIELD != null;
  }

  /** Gives a new connection a decoder. */
  public static void replace(Http2Channel channel, HpackDecoder decoder) {
    if (FIELD == null) {
      throw new IllegalStateException("no connection should speak HTTP/2");
    }
    try {
      FIELD.set(channel, decoder);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e); // it was made accessible
    }
  }
}
