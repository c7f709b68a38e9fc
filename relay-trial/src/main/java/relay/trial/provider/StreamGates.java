package relay.trial.provider;

import java.util.ArrayDeque;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Lets a test hold a stream between two events, by name. It proves that a proxy forwards each event
 * at once: the second event is not produced before the test has seen the first.
 */
final class StreamGates {
  private static final int MAX_GATES = 1024;
  private static final int MAX_PERMITS = 1_000_000;

  private final Map<String, StreamGate> gates = new ConcurrentHashMap<>();

  /** True if the next event may be written now; else {@code resume} runs when it may. */
  boolean pass(String name, Runnable resume) {
    return gate(name).pass(resume);
  }

  /** Permits {@code events} more events, now or later. */
  void release(String name, int events) {
    gate(name).release(Math.clamp(events, 0, MAX_PERMITS));
  }

  private StreamGate gate(String name) {
    if (gates.size() >= MAX_GATES && !gates.containsKey(name)) {
      throw new IllegalStateException("more than " + MAX_GATES + " gates; use fewer names");
    }
    return gates.computeIfAbsent(name, _ -> new StreamGate());
  }

  private static final class StreamGate {
    private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();
    private int permits;

    private synchronized boolean pass(Runnable resume) {
      if (permits > 0) {
        permits--;
        return true;
      }
      waiting.add(resume);
      return false;
    }

    private synchronized void release(int events) {
      permits = Math.min(MAX_PERMITS, permits + events);
      while (permits > 0 && !waiting.isEmpty()) {
        permits--;
        waiting.remove().run(); // continues on the stream's own thread
      }
    }
  }
}
