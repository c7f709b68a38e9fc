package relay.carrier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class SpareBuffersTest {
  private final SpareBuffers buffers = new SpareBuffers(100, true, 3);

  @Test
  void the_buffer_returned_last_is_taken_first_and_cleared() {
    ByteBuffer one = buffers.take();
    ByteBuffer two = buffers.take();
    assertNotSame(one, two);
    buffers.giveBack(one);
    buffers.giveBack(two.put(new byte[70]).flip());
    assertSame(two, buffers.take());
    assertEquals(100, two.remaining());
    assertSame(one, buffers.take());
    assertEquals(100, buffers.take().remaining());
  }

  @Test
  void no_more_than_the_bound_are_kept() {
    Stream.generate(buffers::take).limit(10).toList().forEach(buffers::giveBack);
    assertEquals(3, buffers.count());
    Stream.generate(buffers::take).limit(5).toList().forEach(buffers::giveBack);
    assertEquals(3, buffers.count());
  }

  @Test
  void buffers_returned_after_a_clear_are_kept() {
    Stream.generate(buffers::take).limit(3).toList().forEach(buffers::giveBack);
    buffers.clear();
    assertEquals(0, buffers.count());
    ByteBuffer next = buffers.take();
    buffers.giveBack(next);
    assertSame(next, buffers.take());
  }

  @Test
  void buffers_are_direct_or_on_the_heap_as_asked() {
    assertTrue(buffers.take().isDirect());
    assertTrue(new SpareBuffers(100, false, 3).take().hasArray());
  }
}
