package relay.redis;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.DelayQueue;
import java.util.concurrent.Delayed;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import relay.redis.model.SocketLoop;

/** A program's loop. Tasks that may block run on virtual threads. */
final class SelectorLoop implements SocketLoop, AutoCloseable {
  private static final long LOOK_MS = 1;

  private final Selector selector;
  private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
  private final DelayQueue<Later> later = new DelayQueue<>();
  private final AtomicLong begun = new AtomicLong();
  private final Queue<Runnable> held = new ConcurrentLinkedQueue<>();
  private volatile boolean holds;
  private final Thread thread;
  private volatile boolean closed;

  private record Later(Runnable task, long dueNanos) implements Delayed {
    @Override
    public long getDelay(TimeUnit unit) {
      return unit.convert(dueNanos - System.nanoTime(), TimeUnit.NANOSECONDS);
    }

    @Override
    public int compareTo(Delayed other) {
      return Long.signum(dueNanos - ((Later) other).dueNanos);
    }
  }

  SelectorLoop() {
    try {
      selector = Selector.open();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    thread = Thread.ofPlatform().name("loop").daemon().start(this::run);
  }

  private void run() {
    try {
      while (!closed) {
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
          task.run();
        }
        for (Later due = later.poll(); due != null; due = later.poll()) {
          due.task().run();
        }
        selector.select(this::tell, LOOK_MS);
      }
      selector.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @SuppressWarnings("unchecked")
  private void tell(SelectionKey key) {
    ((Consumer<SelectionKey>) key.attachment()).accept(key);
  }

  /** Tasks that were to run on other threads. */
  long begun() {
    return begun.get();
  }

  @Override
  public Thread thread() {
    return thread;
  }

  @Override
  public void execute(Runnable task) {
    tasks.add(task);
    selector.wakeup();
  }

  @Override
  public Runnable executeAfter(Runnable task, long nanos) {
    Later one = new Later(task, System.nanoTime() + nanos);
    later.add(one);
    return () -> later.remove(one);
  }

  @Override
  public void begin(Runnable task) {
    begun.incrementAndGet();
    if (holds) {
      held.add(task);
    } else {
      var _ = Thread.ofVirtual().start(task);
    }
  }

  /** Holds tasks for other threads back from now on. */
  void hold() {
    holds = true;
  }

  /** Tasks that are held back. */
  int held() {
    return held.size();
  }

  /** Ends the hold. */
  void release() {
    holds = false;
    for (Runnable task = held.poll(); task != null; task = held.poll()) {
      var _ = Thread.ofVirtual().start(task);
    }
  }

  @Override
  public SelectionKey register(SelectableChannel channel, Consumer<SelectionKey> ready)
      throws IOException {
    return channel.register(selector, 0, ready);
  }

  @Override
  public void close() {
    closed = true;
    selector.wakeup();
  }
}
