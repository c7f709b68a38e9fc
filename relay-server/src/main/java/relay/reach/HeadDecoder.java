package relay.reach;

import io.undertow.protocols.http2.HpackDecoder;
import io.undertow.protocols.http2.Http2Channel;
import java.lang.reflect.Field;
import org.jspecify.annotations.Nullable;

/** Replaces the decoder of a client's HTTP/2 connection. Undertow has no place for another. */
public final class HeadDecoder {
  private final @Nullable Field field;

  public HeadDecoder() {
    this("decoder");
  }

  /**
   * @param name the field of {@link Http2Channel} that holds its decoder
   */
  public HeadDecoder(String name) {
    field =
        Parts.find(
            "head_decoder",
            "a faulty head over HTTP/2 ends its connection, with all other requests on it",
            () -> Parts.field(Http2Channel.class.getName(), name, HpackDecoder.class));
  }

  /** Whether it can do it. */
  public boolean works() {
    return field != null;
  }

  /** Gives a new connection a decoder, or leaves it Undertow's. */
  public void replace(Http2Channel channel, HpackDecoder decoder) {
    try {
      if (field != null) {
        field.set(channel, decoder);
      }
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e); // it was made accessible
    }
  }
}
