package relay.redis.lease;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

final class CoalescerTest {
  /** When Redis fails while many items wait, each call is over as soon as it is made. */
  @Test
  void immediate_calls_need_no_deep_stack() {
    CompletableFuture<Void> gone = new CompletableFuture<>();
    AtomicInteger called = new AtomicInteger();
    Coalescer<Integer> coalescer =
        new Coalescer<>(
            2,
            1,
            some -> {
              called.addAndGet(some.size());
              return gone;
            });
    int all = 100_000;
    for (int n = 0; n < all; n++) {
      coalescer.add(n);
    }
    assertEquals(2, called.get());
    var _ = gone.complete(null);
    assertEquals(all, called.get());
  }
}
