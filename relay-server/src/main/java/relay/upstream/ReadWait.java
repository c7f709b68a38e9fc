package relay.upstream;

/**
 * Tells a thread's owner that the thread is about to wait for a socket. All that came has been used
 * up by then: the moment to send on what was gathered, not earlier (a write for each event of a
 * burst) and not later (an event held back).
 *
 * <p>Holds for HTTP/1.1, with TLS or without, where the thread that wants the answer reads the
 * socket itself.
 */
final class ReadWait {
  private static final ThreadLocal<Runnable> LISTENER = new ThreadLocal<>();

  private ReadWait() {}

  /** Sets what the calling thread does before each wait. */
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
