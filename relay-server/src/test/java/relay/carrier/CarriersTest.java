package relay.carrier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.reach.VirtualThreads;

class CarriersTest {
  private static final long SECONDS = 30;

  private final Carriers carriers = new Carriers("carrier", 2);

  @AfterEach
  void close() {
    carriers.close();
  }

  @Test
  void tasks_run_on_virtual_threads_of_the_carriers() throws Exception {
    assertTrue(VirtualThreads.canBeCarried(), "java.lang must be open to the tests");
    CompletableFuture<Thread> seen = new CompletableFuture<>();
    carriers.execute(() -> seen.complete(Thread.currentThread()));
    assertTrue(seen.get(SECONDS, TimeUnit.SECONDS).isVirtual());
    assertTrue(seen.get().toString().contains("request"), seen.get()::toString);
  }

  @Test
  void one_carrier_runs_all_tasks_at_low_load_and_both_share_a_high_load() throws Exception {
    for (int n = 0; n < 5; n++) {
      assertEquals(0, home(new CountDownLatch(0)).get(SECONDS, TimeUnit.SECONDS));
      Await.until("it has ended", () -> carriers.running() == 0);
    }
    CountDownLatch end = new CountDownLatch(1);
    List<Integer> homes = new ArrayList<>();
    for (int n = 0; n < 6; n++) {
      homes.add(home(end).get(SECONDS, TimeUnit.SECONDS));
    }
    assertEquals(List.of(0, 1, 0, 1, 0, 1), homes);
    assertEquals(6, carriers.running());
    end.countDown();
    Await.until("all have ended", () -> carriers.running() == 0);
  }

  /** Starts a task that waits for {@code end}. Returns its carrier's number. */
  private CompletableFuture<Integer> home(CountDownLatch end) {
    CompletableFuture<Integer> home = new CompletableFuture<>();
    carriers.execute(
        () -> {
          home.complete(carriers.currentNumber());
          awaitQuietly(end);
        });
    return home;
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void a_failed_task_does_not_affect_others() throws Exception {
    for (int n = 0; n < 4; n++) {
      carriers.execute(
          () -> {
            Thread.currentThread().setUncaughtExceptionHandler((thread, failure) -> {});
            throw new IllegalStateException("on purpose");
          });
    }
    Await.until("all have ended", () -> carriers.running() == 0);
    assertEquals(0, home(new CountDownLatch(0)).get(SECONDS, TimeUnit.SECONDS));
  }

  /**
   * Locks are handed from thread to thread, also to virtual threads that wait in a carrier's queue:
   * a carrier that waited for such a lock itself would never run them.
   */
  @Test
  void a_lock_shared_with_other_threads_does_not_block_a_carrier() throws Exception {
    int tasks = 64;
    int turns = 400;
    Object monitor = new Object();
    ReentrantLock lock = new ReentrantLock();
    AtomicInteger done = new AtomicInteger();
    int[] counted = new int[2];
    CountDownLatch ended = new CountDownLatch(tasks + 2);
    Runnable contend =
        () -> {
          for (int n = 0; n < turns; n++) {
            synchronized (monitor) {
              counted[0]++;
            }
            lock.lock();
            try {
              counted[1]++;
              if (n % 16 == 0) {
                LockSupport.parkNanos(1); // while it is held, so that others come to wait
              }
            } finally {
              lock.unlock();
            }
            carriers.execute(done::incrementAndGet);
          }
          ended.countDown();
        };
    for (int n = 0; n < tasks; n++) {
      carriers.execute(contend);
    }
    Thread.ofPlatform().daemon().start(contend);
    Thread.ofPlatform().daemon().start(contend);
    assertTrue(ended.await(SECONDS, TimeUnit.SECONDS), () -> ended.getCount() + " did not end");
    assertEquals((tasks + 2) * turns, counted[0]);
    assertEquals((tasks + 2) * turns, counted[1]);
    Await.until("all have ended", () -> done.get() == (tasks + 2) * turns);
  }

  @Test
  void a_thread_that_waits_for_a_socket_fails_when_the_carriers_close() throws Exception {
    try (ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      CompletableFuture<IOException> seen = new CompletableFuture<>();
      CountDownLatch waits = new CountDownLatch(1);
      carriers.execute(
          () -> {
            try (Socket socket =
                carriers
                    .sockets(carriers.currentNumber(), waits::countDown)
                    .createSocket(server.getInetAddress(), server.getLocalPort())) {
              new DataOutputStream(socket.getOutputStream()).flush();
              new DataInputStream(socket.getInputStream()).readByte();
            } catch (IOException e) {
              seen.complete(e);
            }
          });
      assertTrue(waits.await(SECONDS, TimeUnit.SECONDS));
      carriers.close();
      assertTrue(seen.get(SECONDS, TimeUnit.SECONDS).toString().contains("closed"));
      assertThrows(RejectedExecutionException.class, () -> carriers.execute(() -> {}));
    }
  }

  @Test
  void a_crowd_of_new_requests_does_not_hold_up_what_has_begun() throws Exception {
    Carrier carrier = new Carrier("alone", 0);
    AtomicInteger begun = new AtomicInteger();
    List<Integer> begunAtEachTurn = new ArrayList<>();
    CompletableFuture<Void> end = new CompletableFuture<>();
    for (int n = 0; n < 1_000; n++) {
      carrier.requests().execute(begun::getAndIncrement);
    }
    carrier.execute(
        new Runnable() {
          @Override
          public void run() {
            begunAtEachTurn.add(begun.get());
            if (begun.get() < 1_000) {
              carrier.execute(this); // as a stream whose events arrive
            } else {
              end.complete(null);
            }
          }
        });
    assertEquals(1_000, carrier.running(), "a stop waits for them");
    carrier.start();
    try {
      end.get(SECONDS, TimeUnit.SECONDS);
    } finally {
      carrier.close();
    }
    for (int n = 1; n < begunAtEachTurn.size(); n++) {
      int between = begunAtEachTurn.get(n) - begunAtEachTurn.get(n - 1);
      assertTrue(between <= 20, () -> "requests begun between two turns: " + between);
    }
  }
}
