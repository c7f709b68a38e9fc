package relay.carrier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class PayloadTest {
  private static final byte[] BODY = {1, 2, 3, 4, 5};

  private final AtomicInteger forgotten = new AtomicInteger();
  private final ByteBuffer memory = ByteBuffer.allocateDirect(16).position(3).put(BODY);
  private final Payload inPlace =
      Payload.in(
          memory.flip().position(3),
          new Buffers(16).getArrayBackedPool(),
          forgotten::incrementAndGet);

  private static byte[] shown(Payload payload) {
    return payload.show(Arrays::copyOf);
  }

  @Test
  void bytes_are_the_same_wherever_they_are() {
    for (Payload payload : new Payload[] {Payload.of(BODY), inPlace}) {
      assertEquals(5, payload.length());
      assertArrayEquals(BODY, shown(payload));
      assertArrayEquals(BODY, payload.bytes());
      assertArrayEquals(BODY, shown(payload));
    }
  }

  @Test
  void an_array_is_shown_and_kept_as_it_is() {
    Payload array = Payload.of(BODY);
    assertSame(BODY, array.bytes());
    assertSame(BODY, array.show((bytes, _) -> bytes));
    assertNull(array.inPlace());
  }

  @Test
  void who_sends_what_is_in_place_does_not_take_it_from_the_next() {
    for (int time = 0; time < 2; time++) {
      ByteBuffer view = inPlace.inPlace();
      assertNotNull(view);
      byte[] sent = new byte[view.remaining()];
      view.get(sent);
      assertArrayEquals(BODY, sent);
    }
  }

  @Test
  void an_array_that_was_asked_for_is_made_once_and_outlives_the_memory() {
    byte[] kept = inPlace.bytes();
    assertSame(kept, inPlace.bytes());
    inPlace.forget();
    memory.put(3, (byte) 9);
    assertArrayEquals(BODY, kept);
  }

  @Test
  void the_memory_goes_back_once() {
    inPlace.forget();
    inPlace.forget();
    assertEquals(1, forgotten.get());
    assertNull(inPlace.inPlace());
    assertEquals(5, inPlace.length());
  }

  @Test
  void nobody_reads_what_was_forgotten() {
    for (Payload payload : new Payload[] {Payload.of(BODY), inPlace}) {
      payload.forget();
      assertThrows(IllegalStateException.class, payload::bytes);
      assertThrows(IllegalStateException.class, () -> shown(payload));
    }
  }
}
