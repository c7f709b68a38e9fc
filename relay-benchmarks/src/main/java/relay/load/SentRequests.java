package relay.load;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What a load sends: one request, or those of many clients by turns, over all its connections
 * together. Thread-safe.
 */
public final class SentRequests {
  private final ByteBuffer first;
  private final int at; // where the client's key is
  private final List<byte[]> keys; // empty if all requests are the same
  private final AtomicInteger turn = new AtomicInteger();

  private SentRequests(byte[] first, int at, List<byte[]> keys) {
    this.first = direct(ByteBuffer.wrap(first));
    this.at = at;
    this.keys = keys;
  }

  /** The same request always. */
  public static SentRequests of(byte[] request) {
    return new SentRequests(request, 0, List.of());
  }

  /**
   * The question of each client in turn. A connection holds one of them only, whose key changes.
   *
   * @param clientKeys of the same length
   */
  public static SentRequests byTurns(Question question, List<String> clientKeys) {
    String key = clientKeys.getFirst();
    if (clientKeys.stream().anyMatch(other -> other.length() != key.length())) {
      throw new IllegalArgumentException("keys of different lengths");
    }
    byte[] request = question.bytes(key);
    int at = new String(request, StandardCharsets.US_ASCII).indexOf(key);
    return new SentRequests(
        request,
        at,
        clientKeys.stream().map(each -> each.getBytes(StandardCharsets.US_ASCII)).toList());
  }

  private static ByteBuffer direct(ByteBuffer request) {
    return ByteBuffer.allocateDirect(request.remaining()).put(request.duplicate()).flip();
  }

  /** A buffer for the requests of one connection. */
  ByteBuffer buffer() {
    return keys.isEmpty() ? first.duplicate() : direct(first);
  }

  /** Puts the next request into a connection's buffer. */
  void next(ByteBuffer buffer) {
    if (!keys.isEmpty()) {
      buffer.put(at, keys.get(Math.floorMod(turn.getAndIncrement(), keys.size())));
    }
    buffer.rewind();
  }
}
