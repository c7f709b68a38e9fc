package relay.carrier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;

class GatheringOutputTest {
  private final SpareBuffers pool = new SpareBuffers(GatheringOutput.ROOM, true, 4);
  private final Sent sent = new Sent();
  private final GatheringOutput output = new GatheringOutput(sent::take, () -> {}, pool);

  /** The bytes and the number of writes at the socket. */
  private static final class Sent extends ByteArrayOutputStream {
    private int writes;

    void take(ByteBuffer bytes) {
      writes++;
      byte[] all = new byte[bytes.remaining()];
      bytes.get(all);
      writeBytes(all);
    }
  }

  @Test
  void nothing_leaves_before_the_flush_and_then_all_in_one_write() throws IOException {
    for (int n = 0; n < 7; n++) {
      output.write(new byte[8 * 1024]);
    }
    assertEquals(0, sent.writes);
    output.flush();
    assertEquals(1, sent.writes);
    assertEquals(7 * 8 * 1024, sent.size());
    assertEquals(1, pool.count(), "the room goes back between requests");
  }

  @Test
  void a_flush_of_nothing_writes_nothing() throws IOException {
    output.flush();
    assertEquals(0, sent.writes);
    assertEquals(0, pool.count());
  }

  @Test
  void bytes_arrive_as_written_in_whatever_pieces() throws IOException {
    Random random = new Random(7);
    ByteArrayOutputStream expected = new ByteArrayOutputStream();
    for (int n = 0; n < 2_000; n++) {
      byte[] piece = new byte[random.nextInt(random.nextInt(20) == 0 ? 200_000 : 3_000)];
      random.nextBytes(piece);
      int offset = piece.length == 0 ? 0 : random.nextInt(piece.length);
      output.write(piece, offset, piece.length - offset);
      expected.write(piece, offset, piece.length - offset);
      if (random.nextInt(5) == 0) {
        output.flush();
      }
    }
    output.close();
    assertArrayEquals(expected.toByteArray(), sent.toByteArray());
  }

  @Test
  void a_failed_write_returns_its_buffer_and_keeps_no_bytes() throws IOException {
    GatheringOutput broken =
        new GatheringOutput(
            bytes -> {
              throw new IOException("on purpose");
            },
            () -> {},
            pool);
    broken.write(new byte[100]);
    assertThrows(IOException.class, broken::flush);
    assertEquals(1, pool.count());
    broken.flush(); // nothing is left to write
  }

  /** Writes a head and the stand-in of the body, as OkHttp does. */
  private void send(byte[] head, ByteBuffer body) throws IOException {
    output.write(head, 0, head.length);
    int length = body.remaining();
    byte[] stands = output.lend(body);
    output.write(stands, 0, length);
    output.takeBack();
    output.flush();
  }

  private static ByteBuffer behind(int headroom, byte[] bytes) {
    return ByteBuffer.allocateDirect(headroom + bytes.length)
        .position(headroom)
        .put(bytes)
        .position(headroom);
  }

  @Test
  void lent_memory_leaves_in_one_write_with_the_gathered_bytes() throws IOException {
    send(new byte[] {1, 2, 3}, behind(3, new byte[] {4, 5}));
    assertEquals(1, sent.writes);
    assertArrayEquals(new byte[] {1, 2, 3, 4, 5}, sent.toByteArray());
    assertEquals(1, pool.count());
  }

  @Test
  void lent_memory_without_room_for_the_head_leaves_after_it() throws IOException {
    send(new byte[] {1, 2, 3}, behind(2, new byte[] {4, 5}));
    send(new byte[0], behind(0, new byte[] {6}));
    assertEquals(3, sent.writes);
    assertArrayEquals(new byte[] {1, 2, 3, 4, 5, 6}, sent.toByteArray());
    assertEquals(1, pool.count());
  }

  @Test
  void lent_memory_may_be_sent_again() throws IOException {
    ByteBuffer body = behind(4, new byte[] {7, 8});
    send(new byte[] {1}, body.duplicate());
    send(new byte[] {2, 3}, body.duplicate());
    assertArrayEquals(new byte[] {1, 7, 8, 2, 3, 7, 8}, sent.toByteArray());
  }

  @Test
  void lent_memory_is_never_written_in_part_or_twice() throws IOException {
    byte[] stands = output.lend(behind(0, new byte[] {7, 8}));
    assertThrows(IOException.class, () -> output.write(stands, 0, 1));
    output.write(stands, 0, 2);
    assertThrows(IOException.class, () -> output.write(stands, 0, 2));
    output.takeBack();
    assertThrows(IndexOutOfBoundsException.class, () -> output.write(stands, 0, 2));
    assertArrayEquals(new byte[] {7, 8}, sent.toByteArray());
  }
}
