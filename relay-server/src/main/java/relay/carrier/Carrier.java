package relay.carrier;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One platform thread that runs virtual threads and, when none of them can go on, waits for the
 * sockets that they wait for.
 *
 * <p>What it runs itself, outside of a virtual thread, takes no lock that virtual threads wait for:
 * a lock is handed to one of its waiters, and if that is a virtual thread in the queue of a carrier
 * that waits for the same lock, neither goes on. So a selector and its keys are used by their
 * carrier only, and of those that would wake it one does.
 */
final class Carrier implements Executor {
  private static final Logger log = LoggerFactory.getLogger(Carrier.class);

  private static final ThreadLocal<Carrier> HERE = new ThreadLocal<>();

  /** So often, at the least, sockets are looked at while there is something to run. */
  private static final int TASKS_A_LOOK = 64;

  private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean asleep = new AtomicBoolean();
  private final AtomicInteger running = new AtomicInteger();
  private final Set<CarrierChannel> channels = ConcurrentHashMap.newKeySet(); // not closed yet
  private final Selector selector;
  private final Thread thread;
  private volatile boolean closed;

  Carrier(String name) {
    try {
      selector = Selector.open();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    thread = Thread.ofPlatform().name(name).daemon().unstarted(this::work);
  }

  void start() {
    thread.start();
  }

  /** Runs a task, soon, on this thread. From any thread, and does not wait. */
  @Override
  public void execute(Runnable task) {
    tasks.add(task);
    if (asleep.get() && asleep.compareAndSet(true, false)) {
      selector.wakeup();
    }
  }

  /** Runs a task, which may block, on a virtual thread. */
  void begin(Runnable task) {
    running.getAndIncrement();
    VirtualThreads.start(
        this,
        () -> {
          HERE.set(this);
          try {
            task.run();
          } finally {
            running.getAndDecrement();
          }
        });
  }

  /** The carrier of the task that calls; null outside of tasks. */
  static @Nullable Carrier here() {
    return HERE.get();
  }

  /** Whether nothing else runs here while the calling thread does. */
  boolean runsThisThread() {
    return HERE.get() == this && VirtualThreads.canBeCarried();
  }

  /** Of the tasks that have begun, those that have not ended. */
  int running() {
    return running.get();
  }

  /** All that are to be closed with this. */
  Set<CarrierChannel> channels() {
    return channels;
  }

  boolean isClosed() {
    return closed;
  }

  /** For tasks of this carrier only. */
  Selector selector() {
    return selector;
  }

  private void work() {
    while (!closed) {
      try {
        runSome();
        look();
      } catch (Throwable e) { // without its thread all that it carries would wait forever
        tell(e);
      }
    }
    end();
  }

  /** Elsewhere: a log has locks. */
  private static void tell(Throwable failure) {
    Thread.ofPlatform().daemon().start(() -> log.error("an error inside Relay", failure));
  }

  private void runSome() {
    int most = TASKS_A_LOOK;
    for (Runnable task = tasks.poll(); task != null; task = --most > 0 ? tasks.poll() : null) {
      task.run();
    }
  }

  private void look() throws IOException {
    if (tasks.isEmpty()) {
      asleep.set(true);
      if (tasks.isEmpty()) { // or it came before it could know that it has to wake
        selector.select(this::ready);
      }
      asleep.set(false);
    } else {
      selector.selectNow(this::ready);
    }
  }

  private void ready(SelectionKey key) {
    if (asleep.get()) {
      asleep.set(false); // or what is woken now would wake this once more
    }
    ((CarrierChannel) key.attachment()).ready(key);
  }

  /** Whoever waits for a socket learns that it is closed. */
  private void end() {
    try {
      while (!channels.isEmpty() || !tasks.isEmpty()) {
        channels.forEach(CarrierChannel::close);
        runSome();
      }
    } finally {
      try {
        selector.close();
      } catch (IOException e) {
        tell(e);
      }
    }
  }

  void close() {
    closed = true;
    selector.wakeup();
  }
}
