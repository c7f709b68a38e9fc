package relay.edge;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * How many frames a client may send that carry nothing of a request: pings, settings, priorities,
 * windows, resets, empty data, unknown ones, and those of streams that have ended. Each costs time,
 * and a client that sends nothing else wants that time. Requests, answers and the time that passes
 * allow more of them. For the connection's I/O thread, except where stated.
 */
final class FrameAllowance {
  /** Most that are saved up; a new connection has them. */
  static final int MOST = 2_000;

  private static final int FOR_A_REQUEST = 8;

  /** A client may open two windows for each, and ping. */
  private static final int FOR_AN_ANSWERS_FRAME = 4;

  private static final int A_SECOND = 50;

  private final AtomicInteger sent = new AtomicInteger();
  private int wasted;
  private long left = MOST;
  private long since; // System.nanoTime()

  FrameAllowance(long nowNanos) {
    since = nowNanos;
  }

  /** A frame of an answer is about to leave. From any thread. */
  void sent() {
    sent.incrementAndGet();
  }

  /** A frame was of a stream that has ended. */
  void wasted() {
    wasted++;
  }

  /**
   * Counts frames that arrived.
   *
   * @return whether they were allowed
   */
  boolean permits(int requests, int others, long nowNanos) {
    long earned = (nowNanos - since) * A_SECOND / TimeUnit.SECONDS.toNanos(1);
    if (earned > 0) {
      since = nowNanos;
    }
    long answers = sent.getAndSet(0);
    left += earned + (long) FOR_A_REQUEST * requests + FOR_AN_ANSWERS_FRAME * answers;
    left = Math.min(MOST, left) - others - wasted;
    wasted = 0;
    return left >= 0;
  }
}
