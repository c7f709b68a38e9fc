package relay.redis.link;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;

/** Time in which this process did not run counts against no call. */
class DeadlinesTest {
  private static final long MS = 1_000_000;
  private static final long TIMEOUT = 100 * MS;

  private final IoThread io = new IoThread();
  private final Deadlines deadlines = new Deadlines(TIMEOUT, io, Runnable::run, () -> io.now);

  /** The thread that reads replies, in simulated time. */
  private static final class IoThread implements Deadlines.IoTimer {
    private final Queue<Timer> timers = new PriorityQueue<>(Comparator.comparingLong(Timer::due));
    private long now;
    private int faults;
    private int looks;

    private record Timer(long due, Runnable task) {}

    @Override
    public void after(long nanos, Runnable task) {
      if (faults > 0) {
        faults--;
        throw new StackOverflowError("intended by the test");
      }
      timers.add(new Timer(now + nanos, task));
    }

    /** It runs for a time. */
    void runs(long nanos) {
      long end = now + nanos;
      while (!timers.isEmpty() && timers.peek().due() <= end) {
        Timer next = timers.remove();
        now = Math.max(now, next.due());
        looks++;
        next.task().run();
      }
      now = end;
    }

    /** The process stands still for a time. */
    void stalls(long nanos) {
      now += nanos;
    }
  }

  private static void assertTimedOut(CompletableFuture<?> reply) {
    assertTrue(reply.isCompletedExceptionally());
    assertInstanceOf(TimeoutException.class, reply.exceptionNow());
  }

  @Test
  void a_call_without_an_answer_fails_at_its_timeout() {
    CompletableFuture<Object> reply = new CompletableFuture<>();
    var _ = deadlines.watch(reply);
    io.runs(TIMEOUT - MS);
    assertFalse(reply.isDone());
    io.runs(12 * MS);
    assertTimedOut(reply);
  }

  @Test
  void each_call_has_its_own_time() {
    CompletableFuture<Object> first = new CompletableFuture<>();
    CompletableFuture<Object> second = new CompletableFuture<>();
    var _ = deadlines.watch(first);
    io.runs(45 * MS);
    var _ = deadlines.watch(second);
    io.runs(TIMEOUT - MS);
    assertTimedOut(first);
    assertFalse(second.isDone());
    io.runs(12 * MS);
    assertTimedOut(second);
  }

  @Test
  void a_reply_that_was_read_is_no_timeout_however_late_its_future_completes() {
    CompletableFuture<Object> read = new CompletableFuture<>();
    CompletableFuture<Object> unread = new CompletableFuture<>();
    deadlines.watch(read).answered();
    var _ = deadlines.watch(unread);
    io.runs(2 * TIMEOUT);
    assertTimedOut(unread);
    assertFalse(read.isDone());
  }

  @Test
  void calls_that_are_answered_cost_a_look_each_half_timeout_and_none_when_there_are_none() {
    for (int n = 0; n < 1_000; n++) { // a second
      deadlines.watch(new CompletableFuture<>()).answered();
      io.runs(MS);
    }
    assertTrue(io.looks <= 20, io.looks + " looks");
    io.runs(TIMEOUT);
    assertTrue(io.timers.isEmpty());
  }

  @Test
  void a_fault_of_a_look_ends_neither_the_deadlines_of_calls_nor_later_ones() {
    io.faults = 1;
    CompletableFuture<Object> first = new CompletableFuture<>();
    var _ = deadlines.watch(first);
    CompletableFuture<Object> next = new CompletableFuture<>();
    var _ = deadlines.watch(next);
    io.runs(60 * MS);
    io.faults = 1;
    io.runs(60 * MS);
    assertFalse(next.isDone(), "no look is set");
    var _ = deadlines.watch(new CompletableFuture<>());
    io.runs(2 * TIMEOUT);
    assertTimedOut(first);
    assertTimedOut(next);
  }

  @Test
  void a_stalled_process_fails_no_call_before_it_has_polled_several_times() {
    CompletableFuture<Object> reply = new CompletableFuture<>();
    var _ = deadlines.watch(reply);
    io.runs(MS);
    for (int polls = 0; polls < 3; polls++) {
      io.stalls(3_600_000 * MS);
      io.runs(0); // one late look, then it polls its sockets
      assertFalse(reply.isDone(), "after " + polls + " polls");
    }
  }

  @Test
  void a_jump_of_the_time_counts_as_the_pause_and_a_little() {
    var _ = deadlines.watch(new CompletableFuture<>());
    io.stalls(3_600_000 * MS);
    assertEquals(52_500_000, deadlines.runningNanos());
    io.runs(0);
    assertEquals(52_500_000, deadlines.runningNanos());
    io.stalls(3_600_000 * MS);
    assertEquals(78_750_000, deadlines.runningNanos());
  }

  @Test
  void the_time_stands_still_without_calls() {
    deadlines.watch(new CompletableFuture<>()).answered();
    io.runs(TIMEOUT);
    long before = deadlines.runningNanos();
    io.runs(3_600_000 * MS);
    assertEquals(before, deadlines.runningNanos());
  }

  @Test
  void nothing_fails_while_the_thread_that_reads_replies_is_stalled() {
    CompletableFuture<Object> reply = new CompletableFuture<>();
    var _ = deadlines.watch(reply);
    io.stalls(3_600_000 * MS); // it never comes to its timers
    CompletableFuture<Object> later = new CompletableFuture<>();
    var _ = deadlines.watch(later);
    assertFalse(reply.isDone());
    assertFalse(later.isDone());
  }
}
