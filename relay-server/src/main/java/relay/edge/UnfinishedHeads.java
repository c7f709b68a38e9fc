package relay.edge;

import java.util.Map;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import org.xnio.IoUtils;
import org.xnio.StreamConnection;
import relay.memory.MemoryBudget;

/**
 * The connections with an unfinished head. Their senders have shown no credential yet, so they share
 * a quarter of the memory budget. When it is used up, the connections with the oldest unfinished
 * heads are closed. A head that arrives in one read costs nothing here.
 */
final class UnfinishedHeads {
  private static final int SHARE = 4;

  /** A connection's own objects and its parser's. */
  private static final int BASE_BYTES = 4 * 1024;

  private static final int STEP_BYTES = 4 * 1024;

  /** The parser's buffer for a value doubles, so it may be half empty. */
  private static final int BYTES_HELD_PER_BYTE = 2;

  private final MemoryBudget budget;
  private final ConcurrentNavigableMap<Long, Head> oldestFirst = new ConcurrentSkipListMap<>();
  private final AtomicLong numbers = new AtomicLong();

  UnfinishedHeads(MemoryBudget budget) {
    this.budget = budget.share(SHARE);
  }

  /** The account of a connection. */
  Head of(StreamConnection connection) {
    return new Head(connection);
  }

  /** Makes room by closing the oldest. False if there is none left to close. */
  private boolean closeOldest() {
    Map.Entry<Long, Head> oldest = oldestFirst.pollFirstEntry();
    if (oldest == null) {
      return false;
    }
    oldest.getValue().evict();
    return true;
  }

  /** The unfinished head of one connection. For its I/O thread, except where stated. */
  final class Head {
    private final StreamConnection connection;
    private final AtomicLong charged = new AtomicLong(); // an evicting thread takes it
    private long number;
    private long bytes;

    private Head(StreamConnection connection) {
      this.connection = connection;
    }

    /**
     * Counts bytes of an unfinished head.
     *
     * @return false if the connection must be closed, because there is no room
     */
    boolean grow(int more) {
      if (bytes == 0) {
        number = numbers.getAndIncrement();
      }
      bytes += more;
      long held = charged.get();
      long wanted = BASE_BYTES + BYTES_HELD_PER_BYTE * bytes;
      if (wanted <= held) {
        return true;
      }
      long step = (wanted - held + STEP_BYTES - 1) / STEP_BYTES * STEP_BYTES;
      oldestFirst.put(number, this); // before the charge: an eviction of this head must find it
      while (!budget.take(step)) {
        if (!closeOldest() || !oldestFirst.containsKey(number)) {
          end();
          return false;
        }
      }
      charged.addAndGet(step);
      if (!oldestFirst.containsKey(number)) { // evicted meanwhile: the connection is being closed
        end();
        return false;
      }
      return true;
    }

    /** The head is complete, or the connection closed. From any thread. */
    void end() {
      if (charged.get() > 0) {
        oldestFirst.remove(number);
        budget.giveBack(charged.getAndSet(0));
      }
      bytes = 0;
    }

    /** From any thread. */
    private void evict() {
      budget.giveBack(charged.getAndSet(0));
      try {
        connection.getIoThread().execute(() -> IoUtils.safeClose(connection));
      } catch (RejectedExecutionException e) {
        // the thread has ended, and the connection with it
      }
    }
  }
}
