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

  /** What the socket was given, and in how many writes. */
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
  void bytes_arrive_as_they_were_written_however_they_are_cut() throws IOException {
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
  void a_write_that_fails_gives_its_room_back_and_leaves_nothing_behind() throws IOException {
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
    broken.flush(); // there is nothing to write any more
  }
}
