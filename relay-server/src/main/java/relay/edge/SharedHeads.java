package relay.edge;

import io.undertow.protocols.http2.HpackDecoder;
import io.undertow.protocols.http2.HpackException;
import io.undertow.protocols.http2.Http2Channel;
import io.undertow.util.Headers;
import io.undertow.util.HttpString;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Decodes the heads of an {@link Http2Channel}. At some faults in a head Undertow ends the
 * connection with all its streams. Here a faulty line becomes one that {@link HeadCheck} refuses
 * with 400, and one large line stands for all beyond its bounds, so that it answers 431. The
 * compression's state needs all lines, and it sees them. A cookie that a client has sent in pieces
 * becomes one line again: RFC 9113, section 8.2.3.
 *
 * <p>Trailers are dropped here. Undertow would add them to the head's lines, which were checked
 * before: RFC 9110, section 6.5.1, forbids to merge them.
 */
final class SharedHeads extends HpackDecoder {
  /** In place of all lines beyond the bounds. */
  private static final HttpString REST = new HttpString("rest");

  private static final String TOO_LARGE = "x".repeat(HeadCheck.MAX_BYTES);

  private static final HttpString COOKIE = new HttpString("cookie");
  private static final HttpString PATH = new HttpString(":path");
  private static final int PSEUDO_LINES = 4;
  private static final int MAX_LENGTH_DIGITS = 18;

  /** Undertow fails at more, and would end the connection. */
  private static final int MAX_LINES_OF_A_NAME = 127;

  private final Predicate<HeaderEmitter> isTrailer;
  private final HeaderLine line = new HeaderLine();
  private @Nullable HeaderEmitter head; // of the stream whose head is decoded
  private boolean pseudo;
  private boolean announced; // the body's length
  private boolean trailer;
  private int lines;
  private int bytes;
  private boolean tooLarge;
  private final List<HttpString> names = new ArrayList<>(); // of the head's lines so far
  private final StringBuilder cookies = new StringBuilder(); // crumbs, joined

  /**
   * @param isTrailer whether lines are not of a new stream's head
   */
  SharedHeads(Predicate<HeaderEmitter> isTrailer) {
    this.isTrailer = isTrailer;
  }

  /** Undertow sets the stream's own emitter before each part of its head. */
  @Override
  public void setHeaderEmitter(HeaderEmitter emitter) {
    if (!emitter.equals(head)) {
      head = emitter;
      trailer = isTrailer.test(emitter);
      pseudo = true;
      announced = false;
      lines = 0;
      bytes = 0;
      tooLarge = false;
      names.clear();
      cookies.setLength(0);
    }
    super.setHeaderEmitter(emitter);
  }

  @Override
  public void decode(ByteBuffer block, boolean moreFollows) throws HpackException {
    HeaderLine.Step step = HeaderLine.Step.NO_LINE;
    while (block.hasRemaining() && step != HeaderLine.Step.INCOMPLETE) {
      step = line.read(block);
      if (step == HeaderLine.Step.LINE && !trailer) {
        emit(getHeaderEmitter(), line.name(), line.value(), line.never());
      }
    }
    if (!moreFollows) {
      line.endBlock();
      names.clear();
      if (!cookies.isEmpty()) {
        getHeaderEmitter().emitHeader(COOKIE, cookies.toString(), false);
        cookies.setLength(0);
      }
      if (step == HeaderLine.Step.INCOMPLETE) {
        throw new HpackException();
      }
    }
  }

  private void emit(HeaderEmitter to, HttpString name, String value, boolean never)
      throws HpackException {
    if (tooLarge) {
      return;
    }
    boolean isCrumb = name.equals(COOKIE);
    lines += isCrumb && !cookies.isEmpty() ? 0 : 1;
    bytes += name.length() + value.length();
    tooLarge = isTooLarge(name, isCrumb);
    if (tooLarge) {
      cookies.setLength(0);
      to.emitHeader(REST, TOO_LARGE, never);
      return;
    }
    if (isCrumb) {
      pseudo = false;
      cookies.append(cookies.isEmpty() ? "" : "; ").append(value);
      return;
    }
    boolean isPseudo = name.byteAt(0) == ':'; // no name is empty here
    boolean good = isPseudo ? pseudo && !isEmptyPath(name, value) : isAllowed(name, value);
    pseudo &= isPseudo;
    to.emitHeader(good ? name : HeaderLine.MALFORMED, good ? value : "", never);
  }

  private static boolean isEmptyPath(HttpString name, String value) {
    return value.isEmpty() && name.equals(PATH);
  }

  private boolean isAllowed(HttpString name, String value) {
    if (name.equals(Headers.CONTENT_LENGTH)) {
      boolean first = !announced;
      announced = true;
      return first && isLength(value);
    }
    return !name.equals(Headers.TRANSFER_ENCODING);
  }

  private boolean isTooLarge(HttpString name, boolean isCrumb) {
    if (!isCrumb) {
      names.add(name);
    }
    return lines > HeadCheck.MAX_LINES + PSEUDO_LINES
        || bytes > HeadCheck.MAX_BYTES
        || (lines > MAX_LINES_OF_A_NAME
            && Collections.frequency(names, name) > MAX_LINES_OF_A_NAME);
  }

  private static boolean isLength(String value) {
    return !value.isEmpty()
        && value.length() <= MAX_LENGTH_DIGITS
        && value.chars().allMatch(c -> c >= '0' && c <= '9');
  }
}
