package relay.body;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import relay.carrier.SpareBuffers;

class PayloadTest {
  private static final byte[] BODY = {1, 2, 3, 4, 5};

  private final AtomicInteger released = new AtomicInteger();
  private final ByteBuffer memory = ByteBuffer.allocateDirect(16).position(3).put(BODY);
  private final Payload direct =
      Payload.in(
          memory.flip().position(3), new SpareBuffers(16, false, 1), released::incrementAndGet);

  private static byte[] read(Payload payload) {
    return payload.withBytes(Arrays::copyOf);
  }

  @Test
  void an_array_and_direct_memory_have_the_same_bytes() {
    for (Payload payload : new Payload[] {Payload.of(BODY), direct}) {
      assertEquals(5, payload.length());
      assertArrayEquals(BODY, read(payload));
      assertArrayEquals(BODY, payload.bytes());
      assertArrayEquals(BODY, read(payload));
    }
    assertEquals(Payload.of(BODY).checksum(), direct.checksum());
    assertNotEquals(Payload.of(new byte[] {1, 2, 3, 4, 6}).checksum(), direct.checksum());
  }

  @Test
  void an_array_is_not_copied() {
    Payload array = Payload.of(BODY);
    assertSame(BODY, array.bytes());
    assertSame(BODY, array.withBytes((bytes, _) -> bytes));
    assertNull(array.directBuffer());
  }

  @Test
  void each_view_of_the_direct_memory_has_its_own_position() {
    for (int time = 0; time < 2; time++) {
      ByteBuffer view = direct.directBuffer();
      assertNotNull(view);
      byte[] sent = new byte[view.remaining()];
      view.get(sent);
      assertArrayEquals(BODY, sent);
    }
  }

  @Test
  void the_array_of_a_direct_body_is_made_once_and_outlives_the_memory() {
    byte[] kept = direct.bytes();
    assertSame(kept, direct.bytes());
    direct.release();
    memory.put(3, (byte) 9);
    assertArrayEquals(BODY, kept);
  }

  @Test
  void the_memory_is_released_once() {
    direct.release();
    direct.release();
    assertEquals(1, released.get());
    assertNull(direct.directBuffer());
    assertEquals(5, direct.length());
  }

  @Test
  void a_released_body_cannot_be_read() {
    for (Payload payload : new Payload[] {Payload.of(BODY), direct}) {
      payload.release();
      assertThrows(IllegalStateException.class, payload::bytes);
      assertThrows(IllegalStateException.class, () -> read(payload));
    }
  }
}
