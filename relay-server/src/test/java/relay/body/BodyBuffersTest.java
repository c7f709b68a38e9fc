package relay.body;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import relay.memory.MemoryBudget;

class BodyBuffersTest {
  private static final int BYTES = 10_000;
  private static final int MOST = 256;

  private final BodyBuffers buffers = new BodyBuffers(MemoryBudget.ofHeap(256L << 20));

  private BodyBuffer reserve() {
    BodyBuffer reserved = buffers.reserve(BYTES);
    assertNotNull(reserved);
    return reserved;
  }

  @Test
  void two_replicas_in_one_process_share_no_buffer() {
    for (int n = 0; n < MOST; n++) {
      reserve();
    }
    assertNull(buffers.reserve(BYTES));
    assertEquals(MOST, buffers.held());
    BodyBuffers other = new BodyBuffers(MemoryBudget.ofHeap(256L << 20));
    assertNotNull(other.reserve(BYTES));
    assertEquals(1, other.held());
  }

  @Test
  void a_buffer_that_is_released_twice_serves_one_body() {
    BodyBuffer first = reserve();
    first.release();
    first.release();
    assertEquals(0, buffers.held());
    ByteBuffer one = reserve().buffer();
    assertNotSame(one, reserve().buffer());
    assertEquals(2, buffers.held());
  }

  @Test
  void a_body_longer_than_announced_is_noticed() {
    BodyBuffer reserved = reserve();
    reserved.buffer().put(new byte[BYTES]);
    assertEquals(false, reserved.isOverfull());
    reserved.buffer().put((byte) 1);
    assertTrue(reserved.isOverfull());
  }

  @Test
  void small_and_large_bodies_get_no_buffer() {
    assertNull(buffers.reserve(8 * 1024));
    assertNull(buffers.reserve(BodyBuffers.BYTES - BodyBuffers.HEADROOM));
    assertNull(buffers.reserve(-1));
    assertEquals(0, buffers.held());
  }
}
