package relay.edge;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * The streams of a client's HTTP/2 connection that Relay works on. A client counts a stream that it
 * has reset no more, and Undertow does not either, though its request still runs and its answer
 * still waits to be sent. Here it counts until both have ended.
 */
final class ConnectionStreams {
  /** As announced to clients. One that opens more is not read until it has less. */
  static final int MOST = 1_000;

  /** Before a request on the connection has shown a credential. */
  static final int MOST_OF_STRANGERS = 16;

  /** Frames that the client has not taken: some for each stream, and for pings and resets. */
  private static final int MOST_FRAMES = 1_200;

  private static final int MOST_FRAMES_OF_STRANGERS = 128;

  /** What a refused request holds: the objects of its exchange, two buffers of its answer. */
  static final int STREAM_BYTES = 32 * 1024;

  /** The memory charged for the connection itself covers this many streams. */
  private static final int FREE = 4;

  /** The charge changes in steps of this many streams. */
  private static final int STEP = 8;

  private static final int KNOWN = 1; // of a stream: its client has shown a credential
  private static final int RETURNED = 2; // its request does not run any more
  private static final int RESET = 4; // by either side
  private static final int COMPLETE = 8; // its answer has left

  private final AtomicInteger open = new AtomicInteger();
  private final AtomicInteger ofStrangers = new AtomicInteger();
  private final Runnable onChange;
  private volatile boolean trusted;

  /**
   * @param onChange runs when there is less, on any thread
   */
  ConnectionStreams(Runnable onChange) {
    this.onChange = onChange;
  }

  /** One of them. */
  final class Work {
    private final AtomicInteger state = new AtomicInteger();

    private Work() {}

    /** Its client has shown a credential. Its request is charged from now on. */
    void known() {
      trusted = true;
      change(KNOWN);
    }

    /** Its request does not run any more, or another thread goes on with it. */
    void returned() {
      change(RETURNED);
    }

    void reset() {
      change(RESET);
    }

    void complete() {
      change(COMPLETE);
    }

    private void change(int bit) {
      int before = state.getAndUpdate(now -> now | bit);
      int after = before | bit;
      if (isOfStranger(before) && !isOfStranger(after)) {
        ofStrangers.decrementAndGet();
      }
      if (isOpen(before) && !isOpen(after)) {
        open.decrementAndGet();
      }
      if (before != after) {
        onChange.run();
      }
    }

    private static boolean isOpen(int state) {
      return (state & COMPLETE) == 0 && (state & (RESET | RETURNED)) != (RESET | RETURNED);
    }

    private static boolean isOfStranger(int state) {
      return isOpen(state) && (state & KNOWN) == 0;
    }
  }

  Work begin() {
    open.incrementAndGet();
    ofStrangers.incrementAndGet();
    return new Work();
  }

  /** Whether a request has shown a credential. */
  boolean isTrusted() {
    return trusted;
  }

  /** Whether more may begin. */
  boolean mayBegin() {
    return trusted ? open.get() <= MOST : open.get() < MOST_OF_STRANGERS;
  }

  /** Whether the client may leave this many frames unread. */
  boolean mayOwe(int frames) {
    return frames <= (trusted ? MOST_FRAMES : MOST_FRAMES_OF_STRANGERS);
  }

  /**
   * The bytes to be charged, besides those of known clients' requests.
   *
   * @param frames which the client has not taken
   */
  int bytes(int frames) {
    int units = Math.max(ofStrangers.get(), frames);
    return units <= FREE ? 0 : (units + STEP - 1) / STEP * STEP * STREAM_BYTES;
  }
}
