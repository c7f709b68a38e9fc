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
 * The memory of connections whose senders have shown no credential yet. Unfinished heads share a
 * quarter of the memory budget, and the connections themselves another. When one is used up, the
 * oldest are closed. A head that arrives in one read costs nothing here.
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
  private final ConcurrentNavigableMap<Long, Head> strangers = new ConcurrentSkipListMap<>();
  private final AtomicLong ofStrangers = new AtomicLong(); // what their connections hold
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
  private boolean closeOldestHead() {
    Map.Entry<Long, Head> oldest = oldestFirst.pollFirstEntry();
    if (oldest != null) {
      oldest.getValue().evict();
    }
    return oldest != null;
  }

  /** As {@link #closeOldestHead}, of all strangers. */
  private boolean closeOldestStranger() {
    Map.Entry<Long, Head> oldest = strangers.pollFirstEntry();
    if (oldest != null) {
      oldest.getValue().evictStranger();
    }
    return oldest != null;
  }

  /** The unfinished head of one connection. For its I/O thread, except where stated. */
  final class Head implements StreamAccount {
    private final StreamConnection connection;
    private final AtomicLong charged = new AtomicLong(); // an evicting thread takes it
    private final AtomicLong ofConnection = new AtomicLong();
    private final AtomicLong ofStranger = new AtomicLong(); // of it, what the strangers share
    private volatile boolean trusted;
    private int ofStreams; // of it, for the streams of HTTP/2
    private long arrival; // of the connection
    private long number; // of the head
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
      ofStrangers.addAndGet(more);
      while (ofStrangers.get() > whole.totalBytes() / SHARE || !whole.takeForNewcomer(more)) {
        if (!closeOldestStranger()) {
          ofStrangers.addAndGet(-more);
          IoUtils.safeClose(connection);
          return false;
        }
      }
      ofStranger.addAndGet(more);
      if (ofConnection.getAndAdd(more) == 0) {
        arrival = numbers.getAndIncrement();
        strangers.put(arrival, this);
      }
      return true;
    }

    /**
     * Charges what the streams of an HTTP/2 connection hold now. On its I/O thread.
     *
     * @return false if there is no room; a stranger's connection is then being closed
     */
    @Override
    public boolean holdsStreams(int now) {
      int more = now - ofStreams;
      if (more == 0 || !connection.isOpen()) {
        return true;
      }
      if (more < 0) {
        giveBack(-more);
      } else if (!(trusted ? chargeTrusted(more) : charge(more))) {
        return false;
      }
      ofStreams = now;
      return true;
    }

    private boolean chargeTrusted(int more) {
      leaveStrangers();
      if (!whole.takeForNewcomer(more)) {
        return false;
      }
      ofConnection.addAndGet(more);
      return true;
    }

    /** An eviction may have given it back before. */
    private void giveBack(int less) {
      ofStrangers.addAndGet(-taken(ofStranger, less));
      whole.giveBack(taken(ofConnection, less));
    }

    private static long taken(AtomicLong from, int most) {
      long before = from.getAndUpdate(held -> Math.max(0, held - most));
      return Math.min(before, most);
    }

    /** Its sender has shown a credential: it is closed for want of room no more. */
    @Override
    public void trust() {
      if (!trusted) {
        trusted = true;
        onThread(this::leaveStrangers);
      }
    }

    private void leaveStrangers() {
      strangers.remove(arrival, this);
      ofStrangers.addAndGet(-ofStranger.getAndSet(0));
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
      leaveStrangers();
      whole.giveBack(ofConnection.getAndSet(0));
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
        if (!closeOldestHead() || !oldestFirst.containsKey(number)) {
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
      onThread(() -> IoUtils.safeClose(connection));
    }

    /** From any thread, which has taken it from the strangers. */
    private void evictStranger() {
      long held = ofConnection.getAndSet(0);
      ofStrangers.addAndGet(-ofStranger.getAndSet(0));
      whole.giveBack(held);
      evict();
    }

    private void onThread(Runnable task) {
      try {
        connection.getIoThread().execute(task);
      } catch (RejectedExecutionException e) {
        // the thread has ended, and the connection with it
      }
    }
  }
}
