package relay.upstream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import okhttp3.Dns;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A name whose lookup hangs delays its own callers only, and those for a bounded time. */
@Timeout(60)
class NameLookupsTest {
  private static final Duration LONG = Duration.ofSeconds(30);
  private static final List<InetAddress> ADDRESS = List.of(InetAddress.ofLiteral("192.0.2.1"));

  private final CountDownLatch server = new CountDownLatch(1); // the name server of "dead"
  private final AtomicInteger asked = new AtomicInteger();

  private final Dns system =
      name -> {
        if (name.startsWith("dead")) {
          asked.incrementAndGet();
          awaitServer();
        }
        if (name.equals("error")) {
          throw new StackOverflowError("intended by the test");
        }
        return ADDRESS;
      };

  @AutoClose private final ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor();

  private void awaitServer() throws UnknownHostException {
    try {
      server.await();
    } catch (InterruptedException e) {
      throw new UnknownHostException("interrupted");
    }
  }

  @Test
  void a_dead_name_occupies_one_thread_and_delays_no_other_name() throws Exception {
    try (NameLookups names = new NameLookups(system, LONG)) {
      List<Future<List<InetAddress>>> waiting = new ArrayList<>();
      for (int n = 0; n < 40; n++) {
        waiting.add(callers.submit(() -> names.lookup("dead")));
      }
      for (int n = 0; n < 6; n++) {
        String other = "dead-" + n;
        waiting.add(callers.submit(() -> names.lookup(other)));
      }
      assertEquals(ADDRESS, names.lookup("alive"));
      server.countDown();
      for (Future<List<InetAddress>> one : waiting) {
        assertEquals(ADDRESS, one.get(20, TimeUnit.SECONDS));
      }
      assertTrue(asked.get() <= 46, "lookups: " + asked);
    }
  }

  @Test
  void a_caller_waits_for_the_connect_timeout_at_most() throws Exception {
    try (NameLookups names = new NameLookups(system, Duration.ofMillis(30))) {
      for (int n = 0; n < 3; n++) {
        UnknownHostException late =
            assertThrows(UnknownHostException.class, () -> names.lookup("dead"));
        assertEquals("dead: no answer within 30 ms", late.getMessage());
      }
      assertEquals(1, asked.get(), "the lookups of one name at a time");
      server.countDown();
      try (NameLookups patient = new NameLookups(system, LONG)) {
        assertEquals(ADDRESS, patient.lookup("dead"));
      }
    }
  }

  @Test
  void an_error_reaches_the_caller_and_the_next_lookup_runs() throws Exception {
    try (NameLookups names = new NameLookups(system, LONG)) {
      for (int n = 0; n < 2; n++) {
        UnknownHostException failed =
            assertThrows(UnknownHostException.class, () -> names.lookup("error"));
        assertEquals(
            StackOverflowError.class, Objects.requireNonNull(failed.getCause()).getClass());
      }
      assertEquals(ADDRESS, names.lookup("alive"));
    }
  }
}
