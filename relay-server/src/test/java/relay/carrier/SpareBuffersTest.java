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
  void the_one_that_came_back_last_is_taken_first_with_all_its_room() {
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
  void no_more_are_kept_than_that() {
    Stream.generate(buffers::take).limit(10).toList().forEach(buffers::giveBack);
    assertEquals(3, buffers.count());
    Stream.generate(buffers::take).limit(5).toList().forEach(buffers::giveBack);
    assertEquals(3, buffers.count());
  }

  @Test
  void those_that_come_after_the_spare_ones_were_let_go_are_kept_again() {
    Stream.generate(buffers::take).limit(3).toList().forEach(buffers::giveBack);
    buffers.clear();
    assertEquals(0, buffers.count());
    ByteBuffer next = buffers.take();
    buffers.giveBack(next);
    assertSame(next, buffers.take());
  }

  @Test
  void they_are_where_they_should_be() {
    assertTrue(buffers.take().isDirect());
    assertTrue(new SpareBuffers(100, false, 3).take().hasArray());
  }
}
