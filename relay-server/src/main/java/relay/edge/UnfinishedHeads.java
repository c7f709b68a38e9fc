package relay.edge;

import java.io.IOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import org.xnio.ChannelListener;
import org.xnio.ChannelListeners;
import org.xnio.IoUtils;
import org.xnio.StreamConnection;
import org.xnio.ssl.SslConnection;
import relay.memory.MemoryBudget;

/**
 * The memory of connections, and above all of those with an unfinished head. Their senders have
 * shown no credential yet, so they share a quarter of the memory budget. When it is used up, the
 * connections with the oldest unfinished heads are closed. A head that arrives in one read costs
 * nothing here.
 */
final class UnfinishedHeads {
  private static final int SHARE = 4;

  /** The parser's objects. */
  private static final int BASE_BYTES = 2 * 1024;

  private static final int STEP_BYTES = 4 * 1024;

  /** The parser's buffer for a value doubles, so it may be half empty. */
  private static final int BYTES_HELD_PER_BYTE = 2;

  /** A connection without TLS: its own objects and Undertow's. */
  private static final int PLAIN_BYTES = 4 * 1024;

  /** More with TLS: its engine, and the buffers of records. */
  private static final int SECURE_BYTES = 24 * 1024;

  /** More over HTTP/2: tables of the header compression, windows, settings. */
  private static final int HTTP2_BYTES = 32 * 1024;

  private final MemoryBudget whole;
  private final MemoryBudget budget;
  private final ConcurrentNavigableMap<Long, Head> oldestFirst = new ConcurrentSkipListMap<>();
  private final AtomicLong numbers = new AtomicLong();
  private final Map<StreamConnection, Head> admitted = new ConcurrentHashMap<>();

  UnfinishedHeads(MemoryBudget budget) {
    whole = budget;
    this.budget = budget.share(SHARE);
  }

  /** The account of a connection, which {@link Head#admit} may have charged already. */
  Head of(StreamConnection connection) {
    Head known = admitted.get(connection);
    return known == null ? new Head(connection) : known;
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
    private final AtomicLong ofConnection = new AtomicLong();
    private long number;
    private long bytes;

    private Head(StreamConnection connection) {
      this.connection = connection;
    }

    /** Charges the connection itself, once. If there is no room, closes it and returns false. */
    boolean admit() {
      if (ofConnection.get() > 0) {
        return true;
      }
      boolean secure = connection instanceof SslConnection;
      return charge(secure ? PLAIN_BYTES + SECURE_BYTES : PLAIN_BYTES);
    }

    /** Charges a new connection that is to be found by {@link #of} when its protocol is known. */
    boolean admitEarly() {
      if (!admit()) {
        return false;
      }
      admitted.put(connection, this);
      endWithConnection();
      return true;
    }

    /** Charges what HTTP/2 takes besides. If there is no room, closes it and returns false. */
    boolean admitHttp2() {
      return charge(HTTP2_BYTES);
    }

    private boolean charge(int more) {
      if (!whole.takeForNewcomer(more)) {
        IoUtils.safeClose(connection);
        return false;
      }
      ofConnection.addAndGet(more);
      return true;
    }

    /** Gives everything back at the connection's end. Undertow must have set its own listener. */
    void endWithConnection() {
      ChannelListener<? super StreamConnection> next = connection.getCloseListener();
      connection.setCloseListener(
          _ -> {
            close();
            ChannelListeners.invokeChannelListener(connection, next);
          });
      if (!connection.isOpen()) {
        close(); // it was closed before the listener was set
      }
    }

    private void close() {
      admitted.remove(connection, this);
      end();
      long held = ofConnection.getAndSet(0);
      if (held > 0) {
        whole.giveBack(held);
      }
    }

    /** Counts bytes that arrived for an unfinished head. */
    void grow(int more) throws IOException {
      holds(bytes + more);
    }

    /**
     * Counts the bytes of an unfinished head.
     *
     * @param now 0 if there is none
     * @throws IOException if the connection must be closed, because there is no room
     */
    void holds(long now) throws IOException {
      if (now == 0) {
        end();
      } else if (!chargeHead(now)) {
        throw new IOException("no memory is left for unfinished heads");
      }
    }

    private boolean chargeHead(long now) {
      if (bytes == 0) {
        number = numbers.getAndIncrement();
      }
      bytes = now;
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
