package relay.edge;

import io.undertow.protocols.http2.HpackDecoder;
import io.undertow.protocols.http2.HpackException;
import io.undertow.protocols.http2.Http2Channel;
import io.undertow.util.Headers;
import io.undertow.util.HttpString;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decodes the heads of a client's HTTP/2 connection. At some faults in a head Undertow ends the
 * connection with all its streams. Here a faulty line becomes one that {@link HeadCheck} refuses
 * with 400, and one large line stands for all beyond its bounds, so that it answers 431. The
 * compression's state needs all lines, and it sees them.
 *
 * <p>Undertow has no place for another decoder, so this sets a private field. If that fails,
 * Undertow's own decoder stays.
 */
final class SharedHeads extends HpackDecoder {
  private static final Logger log = LoggerFactory.getLogger(SharedHeads.class);

  /** In place of all lines beyond the bounds. */
  private static final HttpString REST = new HttpString("rest");

  private static final String TOO_LARGE = "x".repeat(HeadCheck.MAX_BYTES);

  private static final int PSEUDO_LINES = 4;
  private static final int MAX_LENGTH_DIGITS = 18;

  private final HeaderLine line = new HeaderLine();
  private @Nullable HeaderEmitter head; // of the stream whose head is decoded
  private boolean pseudo;
  private int lines;
  private int bytes;

  /** Puts decoders into connections, if this Undertow is built as expected. */
  static final class Installation {
    private final @Nullable Field field;

    Installation() {
      this("decoder");
    }

    /**
     * @param name the field of {@link Http2Channel} that holds its decoder
     */
    Installation(String name) {
      field = find(name);
      if (field == null) {
        log.warn(
            "this Undertow is built otherwise: a faulty head over HTTP/2 ends its connection, with"
                + " all other requests on it");
      }
    }

    private static @Nullable Field find(String name) {
      try {
        Field found = Http2Channel.class.getDeclaredField(name);
        found.setAccessible(true);
        return found.getType() == HpackDecoder.class ? found : null;
      } catch (ReflectiveOperationException | RuntimeException e) {
        return null;
      }
    }

    /** Whether it can do it. */
    boolean works() {
      return field != null;
    }

    /** Gives a new connection such a decoder, or leaves it Undertow's. */
    void into(Http2Channel channel) {
      try {
        if (field != null) {
          field.set(channel, new SharedHeads());
        }
      } catch (IllegalAccessException e) {
        throw new IllegalStateException(e); // it was made accessible
      }
    }
  }

  /** Undertow sets the stream's own emitter before each part of its head. */
  @Override
  public void setHeaderEmitter(HeaderEmitter emitter) {
    if (!emitter.equals(head)) {
      head = emitter;
      pseudo = true;
      lines = 0;
      bytes = 0;
    }
    super.setHeaderEmitter(emitter);
  }

  @Override
  public void decode(ByteBuffer block, boolean moreFollows) throws HpackException {
    HeaderLine.Step step = HeaderLine.Step.NO_LINE;
    while (block.hasRemaining() && step != HeaderLine.Step.INCOMPLETE) {
      step = line.read(block);
      if (step == HeaderLine.Step.LINE) {
        emit(getHeaderEmitter(), line.name(), line.value(), line.never());
      }
    }
    if (!moreFollows) {
      line.endBlock();
      if (step == HeaderLine.Step.INCOMPLETE) {
        throw new HpackException();
      }
    }
  }

  private void emit(HeaderEmitter to, HttpString name, String value, boolean never)
      throws HpackException {
    if (isTooLarge()) {
      return;
    }
    lines++;
    bytes += name.length() + value.length();
    if (isTooLarge()) {
      to.emitHeader(REST, TOO_LARGE, never);
      return;
    }
    boolean isPseudo = name.byteAt(0) == ':'; // no name is empty here
    boolean good =
        isPseudo
            ? pseudo
            : !name.equals(Headers.TRANSFER_ENCODING)
                && (!name.equals(Headers.CONTENT_LENGTH) || isLength(value));
    pseudo &= isPseudo;
    to.emitHeader(good ? name : HeaderLine.MALFORMED, good ? value : "", never);
  }

  private boolean isTooLarge() {
    return lines > HeadCheck.MAX_LINES + PSEUDO_LINES || bytes > HeadCheck.MAX_BYTES;
  }

  private static boolean isLength(String value) {
    return !value.isEmpty()
        && value.length() <= MAX_LENGTH_DIGITS
        && value.chars().allMatch(c -> c >= '0' && c <= '9');
  }
}
