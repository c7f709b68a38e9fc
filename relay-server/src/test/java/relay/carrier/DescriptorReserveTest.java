package relay.carrier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class DescriptorReserveTest {
  private static final int LIMIT = 200;
  private static final int RESERVED = 50;

  private final AtomicLong open = new AtomicLong(100);
  private final AtomicInteger counts = new AtomicInteger();
  private final DescriptorReserve reserve =
      new DescriptorReserve(
          () -> {
            counts.getAndIncrement();
            return open.get();
          },
          LIMIT);

  @Test
  void a_quarter_of_the_descriptors_stays_free() {
    while (reserve.permits()) {
      open.getAndIncrement();
      assertFalse(reserve.isShort());
    }
    assertTrue(reserve.isShort());
    assertEquals(LIMIT - RESERVED, open.get());
    assertEquals(1, reserve.pauses());
    assertTrue(counts.get() < 10, counts + " counts for 50 connections");
  }

  @Test
  void connections_are_accepted_again_when_others_have_closed() {
    open.set(LIMIT - RESERVED);
    assertFalse(reserve.permits());
    open.getAndDecrement();
    assertTrue(reserve.permits());
  }

  @Test
  void a_count_that_fails_is_a_sign_of_exhaustion() {
    open.set(-1);
    assertFalse(reserve.permits());
  }

  @Test
  void this_process_has_free_descriptors() {
    assertTrue(DescriptorReserve.ofProcess().permits());
  }
}
