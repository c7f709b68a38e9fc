package relay.redis.link;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import relay.guards.Await;

/** Time in which this process did not run counts against no call. */
class DeadlinesTest {
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final long MS = 1_000_000;
  private static final long TIMEOUT = 100 * MS;

  @Test
  void a_call_without_an_answer_fails() {
    try (Deadlines deadlines = new Deadlines(TIMEOUT, (_, task) -> task.run(), System::nanoTime)) {
      CompletableFuture<Object> reply = new CompletableFuture<>();
      var _ = deadlines.watch(reply);
      var failure = assertThrows(ExecutionException.class, () -> reply.get(20, TimeUnit.SECONDS));
      assertInstanceOf(TimeoutException.class, failure.getCause());
    }
  }

  @Test
  void a_reply_that_was_read_is_no_timeout_however_late_its_future_completes() {
    try (Deadlines deadlines = new Deadlines(TIMEOUT, (_, task) -> task.run(), System::nanoTime)) {
      CompletableFuture<Object> read = new CompletableFuture<>();
      CompletableFuture<Object> unread = new CompletableFuture<>();
      deadlines.watch(read).answered();
      var _ = deadlines.watch(unread);
      Await.until("the later call fails", SOON, unread::isCompletedExceptionally);
      assertFalse(read.isDone());
    }
  }

  @Test
  void the_thread_survives_any_throwable() {
    AtomicInteger thrown = new AtomicInteger();
    Deadlines.IoTimer failing =
        (_, task) -> {
          if (thrown.getAndIncrement() < 3) {
            throw new StackOverflowError("intended by the test");
          }
          task.run();
        };
    try (Deadlines deadlines = new Deadlines(TIMEOUT, failing, System::nanoTime)) {
      CompletableFuture<Object> stuck = new CompletableFuture<>();
      var _ = deadlines.watch(stuck);
      Await.until("the fault", SOON, () -> thrown.get() > 0);
      CompletableFuture<Object> reply = new CompletableFuture<>();
      var _ = deadlines.watch(reply);
      stuck.complete("answered");
      Await.until("a deadline after the fault", SOON, reply::isCompletedExceptionally);
    }
  }

  @Test
  void a_jump_of_the_time_counts_as_two_ticks() {
    AtomicLong now = new AtomicLong();
    AtomicInteger ticks = new AtomicInteger();
    Deadlines.IoTimer ioThread = (_, task) -> task.run();
    try (Deadlines deadlines =
        new Deadlines(
            TIMEOUT,
            ioThread,
            () -> {
              ticks.incrementAndGet();
              return now.addAndGet(3_600_000 * MS); // an hour each time it is read
            })) {
      CompletableFuture<Object> reply = new CompletableFuture<>();
      var _ = deadlines.watch(reply);
      Await.until("three ticks", SOON, () -> deadlines.runningNanos() >= 60 * MS);
      assertTrue(ticks.get() >= 3, "an hour counted as more than two ticks");
      reply.complete("late, but within the running time");
    }
  }

  @Test
  void nothing_fails_while_the_thread_that_reads_replies_is_stalled() {
    AtomicInteger asked = new AtomicInteger();
    AtomicLong reads = new AtomicLong();
    try (Deadlines deadlines =
        new Deadlines(
            TIMEOUT,
            (_, _) -> asked.incrementAndGet(), // it never comes to its timers
            () -> {
              reads.incrementAndGet();
              return System.nanoTime();
            })) {
      CompletableFuture<Object> reply = new CompletableFuture<>();
      var _ = deadlines.watch(reply);
      Await.until("the thread is asked", SOON, () -> asked.get() == 1);
      long before = reads.get();
      // Far more ticks than a timeout has
      Await.until("ticks pass", SOON, () -> reads.get() > before + 30);
      assertFalse(reply.isDone());
    }
  }
}
