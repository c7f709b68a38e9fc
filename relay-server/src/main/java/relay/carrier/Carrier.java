package relay.carrier;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.xnio.XnioIoThread;
import org.xnio.XnioWorker;
import relay.reach.VirtualThreads;

/**
 * A platform thread that runs virtual threads. When none is runnable, it waits in select() for
 * sockets and timers. To Undertow it is the I/O thread of its connections.
 *
 * <p>Code on this thread itself, outside of a virtual thread, must not take a lock for which
 * virtual threads may wait. A lock is handed to one waiter. If that waiter is a virtual thread in
 * the queue of a carrier that waits for the same lock, both are stuck. So only the carrier uses its
 * selector and keys, and of many wake-ups one reaches the selector.
 */
final class Carrier extends XnioIoThread {
  private static final Logger log = LoggerFactory.getLogger(Carrier.class);

  private static final ThreadLocal<Carrier> HERE = new ThreadLocal<>();

  /** So often, at the least, sockets are looked at while there is something to run. */
  private static final int TASKS_A_LOOK = 64;

  /**
   * Requests that begin before sockets are looked at again. A crowd of them would otherwise run in
   * step, and an event of an open stream wait behind them all.
   */
  private static final int REQUESTS_A_LOOK = 8;

  private static final int ROOM_BYTES = 16 * 1024;

  private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
  private final Queue<Runnable> newRequests = new ConcurrentLinkedQueue<>();
  private final Timers timers = new Timers();
  private final AtomicBoolean asleep = new AtomicBoolean();
  private final AtomicInteger running = new AtomicInteger();
  private final AtomicInteger connections = new AtomicInteger();
  private final Set<Carried> sockets = new HashSet<>(); // not closed yet; this thread's
  private final Executor requests = this::beginSoon;
  private final ByteBuffer room = ByteBuffer.allocate(ROOM_BYTES);
  private final Selector selector;
  private volatile boolean closed;

  /** Something that a socket belongs to. */
  interface Watched {
    /** The socket is ready for something. By the carrier. */
    void ready(SelectionKey key);
  }

  /** Something that is closed with its carrier. */
  interface Carried extends Watched {
    /** Closes it, from any thread. */
    void close();
  }

  Carrier(String name, int number) {
    super(null, number, name + "-" + number);
    setDaemon(true);
    try {
      selector = Selector.open();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** There is no worker: blocking code runs on virtual threads. */
  @Override
  public @Nullable XnioWorker getWorker() {
    return null;
  }

  /** Queues a task for this thread, from any thread. */
  @Override
  public void execute(Runnable task) {
    tasks.add(task);
    wakeUp();
  }

  private void wakeUp() {
    if (asleep.get() && asleep.compareAndSet(true, false)) {
      selector.wakeup();
    }
  }

  @Override
  public Key executeAfter(Runnable task, long time, TimeUnit unit) {
    Key key = timers.after(task, unit.toNanos(time));
    wakeUp(); // it may be due before all others
    return key;
  }

  @Override
  public Key executeAtInterval(Runnable task, long time, TimeUnit unit) {
    Key key = timers.every(task, unit.toNanos(time));
    wakeUp();
    return key;
  }

  /** Runs a task, which may block, on a virtual thread. */
  void begin(Runnable task) {
    running.getAndIncrement();
    start(task);
  }

  private void beginSoon(Runnable request) {
    running.getAndIncrement();
    newRequests.add(request);
    wakeUp();
  }

  private void start(Runnable task) {
    VirtualThreads.unstarted(
            this,
            () -> {
              HERE.set(this);
              try {
                task.run();
              } finally {
                running.getAndDecrement();
              }
            })
        .start();
  }

  /** A virtual thread for a task that may last as long as the carrier. */
  Thread unstarted(Runnable task) {
    return VirtualThreads.unstarted(
        this,
        () -> {
          HERE.set(this);
          task.run();
        });
  }

  /** The carrier of the calling task; null outside of tasks. */
  static @Nullable Carrier current() {
    return HERE.get();
  }

  /** Whether the calling thread excludes all others on this carrier. */
  boolean runsThisThread() {
    return Thread.currentThread() == this || (HERE.get() == this && VirtualThreads.canBeCarried());
  }

  /** Gives each task a virtual thread. */
  Executor requests() {
    return requests;
  }

  /** Tasks that have not ended. */
  int running() {
    return running.get();
  }

  /** Open client connections of this carrier. */
  AtomicInteger connections() {
    return connections;
  }

  /** Watches a channel, which its owner must close. For tasks of this carrier only. */
  SelectionKey watch(SelectableChannel channel, int ops, Watched owner) throws IOException {
    return channel.register(selector, ops, owner);
  }

  /** Watches a channel until {@link #forget}, and closes its owner when the carrier closes. */
  SelectionKey keep(SelectableChannel channel, int ops, Carried owner) throws IOException {
    SelectionKey key = watch(channel, ops, owner);
    sockets.add(owner);
    return key;
  }

  /** An empty buffer, backed by an array, for use by the current callback of the carrier. */
  ByteBuffer room() {
    return room.clear();
  }

  /** The key of a watched channel; null for others. For tasks of this carrier only. */
  @Nullable SelectionKey keyOf(SelectableChannel channel) {
    return channel.keyFor(selector);
  }

  /** Drops a closed channel. For tasks of this carrier only. */
  void forget(Carried owner) {
    sockets.remove(owner);
  }

  boolean isClosed() {
    return closed;
  }

  @Override
  public void run() {
    while (!closed) {
      try {
        runSome();
        timers.runDue();
        look();
      } catch (Throwable e) { // if this thread ended, its virtual threads would wait for ever
        tell(e);
      }
    }
    end();
  }

  /** Logs on another thread: a logger has locks. */
  static void tell(Throwable failure) {
    startThread(() -> log.error("an error inside Relay", failure));
  }

  static void startThread(Runnable logging) {
    try {
      Thread.ofPlatform().daemon().start(logging);
    } catch (Throwable e) {
      // No thread can be started: the carrier must go on without the log line
    }
  }

  private void runSome() {
    Runnable request = newRequests.poll();
    for (int n = 1; request != null; n++) {
      start(request);
      request = n < REQUESTS_A_LOOK ? newRequests.poll() : null;
    }
    int most = TASKS_A_LOOK;
    for (Runnable task = tasks.poll(); task != null; task = --most > 0 ? tasks.poll() : null) {
      task.run();
    }
  }

  private boolean isIdle() {
    return tasks.isEmpty() && newRequests.isEmpty();
  }

  private void look() throws IOException {
    if (isIdle()) {
      asleep.set(true);
      if (isIdle()) { // recheck: a task added before asleep was set did not wake this thread
        await(timers.untilNextMs());
      }
      asleep.set(false);
    } else {
      selector.selectNow(this::ready);
    }
  }

  private void await(long ms) throws IOException {
    if (ms > 0) {
      selector.select(this::ready, ms);
    } else if (ms < 0) {
      selector.select(this::ready);
    } else {
      selector.selectNow(this::ready);
    }
  }

  private void ready(SelectionKey key) {
    if (asleep.get()) {
      asleep.set(false); // or callbacks would write to the wake-up pipe for nothing
    }
    if (key.isValid()) { // an earlier callback of this select() may have closed it
      ((Watched) key.attachment()).ready(key);
    }
  }

  /** Closes all sockets, so that their threads wake up and fail. */
  private void end() {
    try {
      while (!sockets.isEmpty() || !isIdle()) {
        try {
          List.copyOf(sockets).forEach(Carried::close);
          runSome();
        } catch (Throwable e) { // go on with the others
          tell(e);
        }
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
