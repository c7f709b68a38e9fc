package relay.logging;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A stream that is not read, or fails, stops neither the callers nor the log. */
@Timeout(60)
class LineQueueTest {
  private static final long LONG = TimeUnit.SECONDS.toNanos(30);

  private final ByteArrayOutputStream read = new ByteArrayOutputStream();
  private final CountDownLatch entered = new CountDownLatch(1);
  private final CountDownLatch reader = new CountDownLatch(1);

  /** A pipe that is full until the reader comes. */
  private final OutputStream pipe =
      new OutputStream() {
        @Override
        public void write(int b) {
          throw new UnsupportedOperationException();
        }

        @Override
        public void write(byte[] line, int offset, int length) {
          entered.countDown();
          try {
            reader.await();
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
          read.write(line, offset, length);
        }
      };

  private static byte[] line(Object text) {
    return (text + "\n").getBytes(UTF_8);
  }

  private static String droppedLine(long count) {
    return count + " dropped\n";
  }

  private List<String> lines() {
    return read.toString(UTF_8).lines().toList();
  }

  @Test
  void a_full_pipe_blocks_no_caller_and_the_lines_beyond_the_bound_are_counted_and_reported()
      throws Exception {
    try (LineQueue queue = new LineQueue(pipe, LineQueueTest::droppedLine)) {
      queue.add(line("first"));
      entered.await();
      for (int n = 1; n < LineQueue.MOST_LINES + 7; n++) {
        queue.add(line(n));
      }
      assertEquals(7, queue.dropped());
      assertTrue(queue.isFull());
      assertEquals(8, queue.dropped());
      queue.flush(1_000_000); // returns although the pipe is full
      reader.countDown();
      queue.flush(LONG);
      assertFalse(queue.isFull());
      assertEquals(LineQueue.MOST_LINES + 1, lines().size());
      assertEquals("first", lines().getFirst());
      assertEquals("" + (LineQueue.MOST_LINES - 1), lines().get(LineQueue.MOST_LINES - 1));
      assertEquals("8 dropped", lines().getLast());
    }
  }

  @Test
  void the_queue_is_bounded_by_its_bytes_too() throws Exception {
    byte[] large = new byte[LineQueue.MOST_BYTES / 4];
    try (LineQueue queue = new LineQueue(pipe, LineQueueTest::droppedLine)) {
      for (int n = 0; n < 6; n++) {
        queue.add(large);
      }
      assertEquals(2, queue.dropped());
      reader.countDown();
      queue.flush(LONG);
      queue.add(large);
      queue.flush(LONG);
      assertEquals(2, queue.dropped());
      assertEquals(5L * large.length + "2 dropped\n".length(), read.size());
    }
  }

  @Test
  void an_error_in_the_writer_costs_one_line_and_not_the_log() {
    OutputStream failing =
        new OutputStream() {
          private boolean failed;

          @Override
          public void write(int b) {
            throw new UnsupportedOperationException();
          }

          @Override
          public void write(byte[] line, int offset, int length) {
            if (!failed) {
              failed = true;
              throw new StackOverflowError("intended by the test");
            }
            read.write(line, offset, length);
          }
        };
    try (LineQueue queue = new LineQueue(failing, LineQueueTest::droppedLine)) {
      queue.add(line("lost"));
      queue.flush(LONG);
      queue.add(line("kept"));
      queue.flush(LONG);
      assertEquals(List.of("1 dropped", "kept"), lines());
      assertEquals(1, queue.dropped());
    }
  }
}
