package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.model.Dialect;

/**
 * Three replicas under load, of which one after the other gets kill -9 and starts again. Clients
 * lose the connections of the killed process and nothing else, leases come back, and no limit is
 * exceeded.
 */
@Tag("slow")
class KilledReplicasTest {
  private static final int REPLICAS = 3;
  private static final int KILLS = 2;
  private static final int STREAMING = 4; // clients of each replica
  private static final int ASKING = 2;
  private static final int CONCURRENT = 4; // of each key of `bounded`
  private static final int RPM = 240; // of each key of `limited`
  private static final List<String> KEYS = List.of("1", "2");
  private static final long STREAM_NANOS = 200_000_000;
  private static final long REST_NANOS = 20_000_000;

  private final Log log = new Log();
  private final Queue<String> errors = new ConcurrentLinkedQueue<>();
  private final AtomicInteger cut = new AtomicInteger(); // of those that last until the kill
  private final Semaphore lasting = new Semaphore(0);
  private final Semaphore killed = new Semaphore(0);
  private final AtomicIntegerArray answered = new AtomicIntegerArray(REPLICAS); // since its start
  private final AtomicIntegerArray kills = new AtomicIntegerArray(REPLICAS);
  private final AtomicIntegerArray ready = new AtomicIntegerArray(REPLICAS); // starts, as the kills
  private volatile boolean over;

  /** What the provider saw. */
  private static final class Log {
    private final Map<String, Integer> open = new HashMap<>();
    private final Map<String, List<Long>> admitted = new HashMap<>();
    private int mostOpen;

    synchronized void opens(String key) {
      mostOpen = Math.max(mostOpen, open.merge(key, 1, Integer::sum));
    }

    synchronized void ends(String key) {
      open.merge(key, -1, Integer::sum);
    }

    synchronized void admits(String key) {
      admitted.computeIfAbsent(key, k -> new ArrayList<>()).add(System.nanoTime());
    }

    synchronized int mostOpen() {
      return mostOpen;
    }

    synchronized List<Long> admitted(String key) {
      return List.copyOf(admitted.getOrDefault(key, List.of()));
    }
  }

  private void answer(RawProvider.Received request, RawProvider.Connection connection)
      throws IOException {
    String key = request.key();
    if (request.isFor("limited")) {
      log.admits(key);
      connection.write(Says.fine(Dialect.ANTHROPIC));
      return;
    }
    List<String> events = Says.events(Dialect.ANTHROPIC);
    if (request.isFor("lasting")) {
      connection.write(Says.STREAM);
      connection.chunk(events.getFirst());
      lasting.release();
      killed.acquireUninterruptibly();
      return;
    }
    log.opens(key);
    try {
      connection.write(Says.STREAM);
      connection.chunk(events.getFirst());
      Await.moment(System.nanoTime() + STREAM_NANOS);
    } finally {
      log.ends(key); // before the replica can know
    }
    connection.chunk(String.join("", events.subList(1, events.size())));
    connection.chunk("");
  }

  @Test
  void a_killed_replica_cuts_its_own_connections_and_leaves_no_other_trace() throws Exception {
    Setup setup = new Setup().jvm("-Drelay.timings=lease=2000");
    try (RawProvider provider = new RawProvider(this::answer)) {
      setup.provider(
          "bounded",
          Dialect.ANTHROPIC,
          provider,
          Setup.key("b1", "max_concurrent: " + CONCURRENT, "rpm_limit: 100000"),
          Setup.key("b2", "max_concurrent: " + CONCURRENT, "rpm_limit: 100000"));
      setup.provider(
          "limited",
          Dialect.ANTHROPIC,
          provider,
          Setup.key("l1", "rpm_limit: " + RPM),
          Setup.key("l2", "rpm_limit: " + RPM));
      setup.provider("lasting", Dialect.ANTHROPIC, provider, Setup.key("a"));
      try (Replicas replicas = setup.start(REPLICAS)) {
        List<Thread> clients = clients(replicas);
        for (int n = 0; n < KILLS; n++) {
          int replica = n % REPLICAS;
          Await.until("all serve", () -> serve(STREAMING));
          Thread client = Thread.ofVirtual().start(() -> last(replicas.port(replica)));
          Await.until("it streams", lasting::tryAcquire);
          kills.incrementAndGet(replica);
          replicas.killAndStart(replica, setup);
          killed.release();
          client.join();
          answered.set(replica, 0);
          ready.incrementAndGet(replica);
        }
        Await.until("all serve", () -> serve(1));
        Await.until("the limits are met", this::limitsAreMet);
        over = true;
        for (Thread client : clients) {
          client.join();
        }
        assertEquals(List.of(), List.copyOf(errors));
        assertEquals(KILLS, cut.get(), "streams that lasted until a kill, and were cut");
        leases_came_back(replicas);
        no_limit_was_exceeded(replicas);
      }
    }
  }

  private boolean limitsAreMet() {
    return KEYS.stream().allMatch(key -> log.admitted(Setup.secret("l" + key)).size() >= RPM / 2);
  }

  private boolean serve(int answers) {
    for (int n = 0; n < REPLICAS; n++) {
      if (answered.get(n) < answers) {
        return false;
      }
    }
    return true;
  }

  private List<Thread> clients(Replicas replicas) {
    List<Thread> clients = new ArrayList<>();
    for (int n = 0; n < REPLICAS * (STREAMING + ASKING); n++) {
      int replica = n % REPLICAS;
      Ask ask =
          n < REPLICAS * STREAMING
              ? Ask.stream(Dialect.ANTHROPIC, "bounded")
              : Ask.of(Dialect.ANTHROPIC, "limited");
      clients.add(Thread.ofVirtual().start(() -> request(replica, replicas.port(replica), ask)));
    }
    return clients;
  }

  /** A stream that ends by the kill of its replica only. */
  private void last(int port) {
    try {
      Answer answer = RawClient.ask(port, Ask.stream(Dialect.ANTHROPIC, "lasting"));
      if (answer.status() == 200 && !answer.whole()) {
        cut.incrementAndGet();
      } else {
        errors.add("the stream that was to last: " + answer);
      }
    } catch (IOException e) {
      cut.incrementAndGet(); // the kill resets its connection
    }
  }

  private void request(int replica, int port, Ask ask) {
    while (!over) {
      int life = ready.get(replica);
      if (life != kills.get(replica)) { // it starts
        Await.moment(System.nanoTime() + REST_NANOS);
        continue;
      }
      String fault;
      try {
        Answer answer = RawClient.ask(port, ask);
        if (answer.whole() && answer.status() == 429) {
          Errors.relays(answer, Dialect.ANTHROPIC, 429, "rate_limit_error");
          Await.moment(System.nanoTime() + REST_NANOS);
          continue;
        }
        fault = answer.whole() && answer.status() == 200 ? "" : answer.toString();
      } catch (IOException | AssertionError e) {
        fault = e.toString();
      }
      if (fault.isEmpty()) {
        answered.incrementAndGet(replica);
      } else if (kills.get(replica) == life) {
        errors.add("replica " + replica + ": " + fault);
        return;
      }
      Await.moment(System.nanoTime() + REST_NANOS);
    }
  }

  private static void leases_came_back(Replicas replicas) throws Exception {
    for (String key : KEYS) {
      replicas.awaitLine("bounded", "b" + key, "inflight 0"); // the usual lease takes longer
      replicas.awaitLine("limited", "l" + key, "inflight 0");
    }
  }

  /** Each account may take half its limit at once, and then its rate; what is under way bunches. */
  private void no_limit_was_exceeded(Replicas replicas) throws Exception {
    assertEquals(CONCURRENT, log.mostOpen(), "streams of a key at once");
    for (String key : KEYS) {
      List<Long> admitted = log.admitted(Setup.secret("l" + key));
      double most = RPM / 2.0 + REPLICAS * ASKING;
      double level = most;
      long last = admitted.getFirst();
      for (long at : admitted) {
        level += (double) (at - last) * RPM / TimeUnit.MINUTES.toNanos(1);
        level = Math.min(most, level) - 1;
        last = at;
        assertTrue(level >= 0, "beyond the burst after " + admitted.indexOf(at) + " requests");
      }
      long young = System.nanoTime() - Duration.ofSeconds(50).toNanos();
      long counted = admitted.stream().filter(at -> at - young >= 0).count();
      // the picture is up to a second old
      Await.until(
          counted + " were admitted, and not all are counted",
          () -> used(replicas.line("limited", "l" + key + "/default")) >= counted);
    }
  }

  private static long used(String line) {
    return Long.parseLong(line.substring("rpm ".length(), line.indexOf('/')));
  }
}
