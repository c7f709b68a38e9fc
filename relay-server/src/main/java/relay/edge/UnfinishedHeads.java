package relay.edge;

import java.io.IOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
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
 *
 * <p>A connection that has shown a credential is never closed here, nor one whose request is being
 * judged: a newcomer is refused instead.
 */
final class UnfinishedHeads {
  private static final int SHARE = 4;

  /** The parser's objects. */
  private static final int BASE_BYTES = 2 * 1024;

  private static final int STEP_BYTES = 4 * 1024;

  /** The parser's buffer for a value doubles, so it may be half empty. */
  private static final int BYTES_HELD_PER_BYTE = 2;

  /**
   * A head of a client's connection that arrives in two parts is not refused while the memory is
   * full: the next part ends it.
   */
  private static final int CLIENTS_FREE_BYTES = 2 * STEP_BYTES;

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
  private final ShedConnections shed = new ShedConnections();

  UnfinishedHeads(MemoryBudget budget) {
    whole = budget;
    this.budget = budget.share(SHARE);
  }

  /** The connections that were closed for want of room. */
  ShedConnections shed() {
    return shed;
  }

  /** The account of a connection, which {@link Head#admit} may have charged already. */
  Head of(StreamConnection connection) {
    Head known = admitted.get(connection);
    return known == null ? new Head(connection) : known;
  }

  /** Makes room for a client's request. From any thread; false if there is none to be closed. */
  boolean closeOldestStranger() {
    return closeOldest(strangers, ShedConnections.Which.STRANGER);
  }

  /**
   * Makes room by closing the oldest that may be closed. False if there is none.
   *
   * @param heads the oldest first
   */
  private static boolean closeOldest(Map<Long, Head> heads, ShedConnections.Which as) {
    for (Head head : heads.values()) {
      if (head.evict(as)) {
        return true;
      }
    }
    return false;
  }

  /** The unfinished head of one connection. For its I/O thread, except where stated. */
  final class Head implements StreamAccount {
    private static final int EVICTED = -1;
    private static final int TRUSTED = Integer.MAX_VALUE;

    private final StreamConnection connection;
    private final AtomicLong charged = new AtomicLong(); // an evicting thread takes it
    private final AtomicLong ofConnection = new AtomicLong();
    private final AtomicLong ofStranger = new AtomicLong(); // its part of ofStrangers

    /** {@link #EVICTED}, {@link #TRUSTED}, or its requests that are being judged. */
    private final AtomicInteger standing = new AtomicInteger();

    private int ofStreams; // of ofConnection, for the streams of HTTP/2
    private volatile MemoryBudget from = budget; // what the head is charged to
    private volatile long arrival; // of the connection
    private volatile long number; // of the head
    private long bytes;

    private Head(StreamConnection connection) {
      this.connection = connection;
    }

    /** Charges the connection itself, once. If there is no room, closes it and returns false. */
    boolean admit() {
      if (ofConnection.get() > 0) {
        return true;
      }
      if (standing.get() == EVICTED) {
        return false; // it is being closed
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
          shed.count(ShedConnections.Which.NEWCOMER);
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
      } else if (!(isTrusted() ? chargeTrusted(more) : charge(more))) {
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

    /** A request has arrived, and its credential is being looked at. */
    void judging() {
      standing.updateAndGet(now -> now == EVICTED || now == TRUSTED ? now : now + 1);
    }

    /** A request has got an answer, with a credential or without. */
    void judged() {
      if (!isTrusted()) {
        standing.updateAndGet(now -> now == EVICTED || now == TRUSTED ? now : now - 1);
      }
    }

    private boolean isTrusted() {
      return standing.get() == TRUSTED;
    }

    /** Its sender has shown a credential: it is closed for want of room no more. */
    @Override
    public void trust() {
      if (!isTrusted() && standing.updateAndGet(now -> now == EVICTED ? now : TRUSTED) == TRUSTED) {
        leaveStrangers();
      }
    }

    /** Runs once, on the thread that comes first. */
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
      if (wanted <= (isTrusted() ? Math.max(held, CLIENTS_FREE_BYTES) : held)) {
        return true;
      }
      long step = (wanted - held + STEP_BYTES - 1) / STEP_BYTES * STEP_BYTES;
      if (held == 0) {
        from = isTrusted() ? whole : budget;
      }
      boolean taken = from == whole ? takeAsClient(step) : takeAsStranger(step);
      if (!taken) {
        end();
      }
      return taken;
    }

    /** As its body would be: by then nothing makes room. */
    private boolean takeAsClient(long step) {
      if (!whole.take(step)) {
        shed.count(ShedConnections.Which.HEAD);
        return false;
      }
      charged.addAndGet(step);
      return true;
    }

    private boolean takeAsStranger(long step) {
      oldestFirst.put(number, this); // before the charge: an eviction of this head must find it
      while (!budget.take(step)) {
        if (!closeOldest(oldestFirst, ShedConnections.Which.HEAD)) {
          shed.count(ShedConnections.Which.HEAD);
          oldestFirst.remove(number, this);
          return false;
        }
        if (!oldestFirst.containsKey(number)) {
          return false;
        }
      }
      charged.addAndGet(step);
      return oldestFirst.containsKey(number); // if not, it was evicted and is being closed
    }

    /** The head is complete, or the connection closed. From any thread. */
    void end() {
      if (charged.get() > 0) {
        oldestFirst.remove(number);
        from.giveBack(charged.getAndSet(0));
      }
      bytes = 0;
    }

    /**
     * Closes it, from any thread, and gives its memory back. False if it has shown a credential,
     * its request is being judged, or it is being closed.
     */
    private boolean evict(ShedConnections.Which as) {
      if (!standing.compareAndSet(0, EVICTED)) {
        return false;
      }
      shed.count(as);
      oldestFirst.remove(number, this);
      leaveStrangers();
      whole.giveBack(ofConnection.getAndSet(0));
      from.giveBack(charged.getAndSet(0));
      onThread(() -> IoUtils.safeClose(connection));
      return true;
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
