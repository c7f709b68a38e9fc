package relay.load;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** What a load sends: these requests by turns, over all its connections together. Thread-safe. */
public final class SentRequests {
  private final List<ByteBuffer> all;
  private final AtomicInteger turn = new AtomicInteger();

  private SentRequests(List<ByteBuffer> all) {
    this.all = all;
  }

  /** The same request always. */
  public static SentRequests of(byte[] request) {
    return new SentRequests(List.of(direct(request)));
  }

  /** The question of each client in turn. */
  public static SentRequests byTurns(Question question, List<String> clientKeys) {
    return new SentRequests(clientKeys.stream().map(key -> direct(question.bytes(key))).toList());
  }

  private static ByteBuffer direct(byte[] request) {
    return ByteBuffer.allocateDirect(request.length).put(request).flip();
  }

  /** The next request, to be read by the caller alone. */
  ByteBuffer next() {
    return all.get(Math.floorMod(turn.getAndIncrement(), all.size())).duplicate();
  }
}
