package relay.upstream;

/**
 * Runs a task when a thread is about to wait for a socket. All received data is consumed by then,
 * so this is the right moment to flush: earlier would cost a write per event of a burst, later
 * would delay an event.
 *
 * <p>Works for HTTP/1.1, with and without TLS, because the thread that needs the answer reads the
 * socket itself.
 */
final class ReadWait {
  private static final ThreadLocal<Runnable> LISTENER = new ThreadLocal<>();

  private ReadWait() {}

  /** Sets the task that the calling thread runs before each wait. */
  static void listen(Runnable beforeWait) {
    LISTENER.set(beforeWait);
  }

  static void stop() {
    LISTENER.remove();
  }

  static void announce() {
    Runnable listener = LISTENER.get();
    if (listener != null) {
      listener.run();
    }
  }
}
