package relay.e2e;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;
import relay.guards.Await;

/**
 * An open load: requests arrive at a fixed rate at the replicas in turn, whatever the answers.
 * Refused requests are not retried. This models a saturated pool.
 */
final class Arrivals implements AutoCloseable {
  private static final int MOST_AT_ONCE = 256;

  private final List<Integer> ports;
  private final byte[] request;
  private final RandomGenerator random;
  private final List<Deque<RawClient>> idle = new ArrayList<>();
  private final Semaphore atOnce = new Semaphore(MOST_AT_ONCE);
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final AtomicIntegerArray served;
  private final AtomicLong refused = new AtomicLong();
  private final Queue<String> failures = new ConcurrentLinkedQueue<>();

  Arrivals(List<Integer> ports, Ask ask, RandomGenerator random) {
    this.ports = List.copyOf(ports);
    this.request = ask.bytes();
    this.random = random;
    this.served = new AtomicIntegerArray(ports.size());
    ports.forEach(port -> idle.add(new ConcurrentLinkedDeque<>()));
  }

  /** A step to run under load. */
  @FunctionalInterface
  interface Step {
    void run() throws Exception;
  }

  /**
   * Sends requests evenly with some jitter until a step is done, then waits for the last answers.
   */
  void saturateDuring(double perSecond, Step step) throws Exception {
    AtomicBoolean stopped = new AtomicBoolean();
    Thread load = Thread.ofPlatform().start(() -> arrive(perSecond, stopped));
    try {
      step.run();
    } finally {
      stopped.set(true);
      load.join();
    }
    awaitAnswers();
  }

  private void arrive(double perSecond, AtomicBoolean stopped) {
    long start = System.nanoTime();
    double due = 0;
    try {
      for (int n = 0; !stopped.get(); n++) {
        Await.moment(start + (long) due);
        one(n % ports.size());
        due += 1e9 / perSecond * (0.5 + random.nextDouble());
      }
    } catch (InterruptedException | AssertionError e) {
      failures.add(e.toString());
    }
  }

  /** Sends several requests at once. */
  void together(int many) throws InterruptedException {
    for (int n = 0; n < many; n++) {
      one(n % ports.size());
    }
    awaitAnswers();
  }

  private void one(int replica) throws InterruptedException {
    if (!atOnce.tryAcquire(20, TimeUnit.SECONDS)) {
      throw new AssertionError("no answers for 20 s");
    }
    threads.execute(
        () -> {
          try {
            exchange(replica);
          } catch (IOException | RuntimeException e) {
            failures.add(e.toString());
          } finally {
            atOnce.release();
          }
        });
  }

  private void exchange(int replica) throws IOException {
    RawClient wire = idle.get(replica).pollFirst();
    if (wire == null) {
      wire = new RawClient(ports.get(replica));
    }
    Answer answer = wire.send(request).answer();
    switch (answer.status()) {
      case 200 -> served.incrementAndGet(replica);
      case 429 -> refused.incrementAndGet();
      default -> failures.add(answer.toString());
    }
    if (answer.whole()) {
      idle.get(replica).addFirst(wire);
    } else {
      failures.add("broken off: " + answer);
      wire.close();
    }
  }

  private void awaitAnswers() throws InterruptedException {
    if (!atOnce.tryAcquire(MOST_AT_ONCE, 20, TimeUnit.SECONDS)) {
      throw new AssertionError("answers are missing");
    }
    atOnce.release(MOST_AT_ONCE);
  }

  int served(int replica) {
    return served.get(replica);
  }

  int served() {
    int all = 0;
    for (int n = 0; n < ports.size(); n++) {
      all += served.get(n);
    }
    return all;
  }

  long refused() {
    return refused.get();
  }

  /** All outcomes other than a good answer or a 429. */
  List<String> failures() {
    return List.copyOf(failures);
  }

  @Override
  public void close() throws IOException {
    threads.close();
    for (Deque<RawClient> wires : idle) {
      for (RawClient wire : wires) {
        wire.close();
      }
    }
  }
}
