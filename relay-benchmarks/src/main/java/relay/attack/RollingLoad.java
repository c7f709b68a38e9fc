package relay.attack;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Clients that do not retry: streams of some five seconds over kept and over new connections, and
 * single requests.
 */
final class RollingLoad {
  private static final int STREAMS = 30;
  private static final int ASKERS = 4;
  private static final long ASK_EVERY_NANOS = 20_000_000;
  private static final int MOST_MESSAGES = 20;

  private final int port;
  private final List<Thread> threads = new ArrayList<>();
  private final List<String> messages = new ArrayList<>();
  private volatile boolean over;
  private int streams;
  private int answers;
  private int failed;
  private int cut;

  RollingLoad(int port) {
    this.port = port;
    for (int n = 0; n < STREAMS + ASKERS; n++) {
      boolean stream = n < STREAMS;
      boolean anew = n % 2 == 0;
      threads.add(Thread.ofPlatform().daemon().name("client").start(() -> ask(stream, anew)));
    }
  }

  /** Waits for the requests under way; there are no more. */
  void end() throws InterruptedException {
    over = true;
    for (Thread thread : threads) {
      thread.join();
    }
  }

  private void ask(boolean stream, boolean anew) {
    String answer = stream ? AttackProvider.STREAM : AttackProvider.JSON;
    byte[] request = Requests.good(Normal.KEY, Target.MODEL, answer);
    @Nullable Wire wire = null;
    while (!over) {
      int status = 0;
      try {
        wire = wire == null ? new Wire(port, 0) : wire;
        wire.send(request);
        status = wire.head();
        int[] ends = new int[1];
        wire.body(line -> ends[0] += line.startsWith("event: message_stop") ? 1 : 0);
        ended(stream, status, stream && ends[0] != 1 ? "its last event is missing" : null);
      } catch (IOException e) {
        ended(stream, status, String.valueOf(e.getMessage()));
        wire = dropped(wire);
      }
      if (!stream) {
        LockSupport.parkNanos(ASK_EVERY_NANOS);
      }
      if (wire != null && (anew || wire.closes())) {
        wire = dropped(wire);
      }
    }
    dropped(wire);
  }

  /**
   * Counts an answer.
   *
   * @param status 0 if there was none
   * @param fault null if it was whole
   */
  private synchronized void ended(boolean stream, int status, @Nullable String fault) {
    if (status == 200 && fault == null) {
      streams += stream ? 1 : 0;
      answers += stream ? 0 : 1;
      return;
    }
    failed += status == 200 ? 0 : 1;
    cut += status == 200 ? 1 : 0;
    if (messages.size() < MOST_MESSAGES) {
      messages.add("status " + status + (fault == null ? "" : ": " + fault));
    }
  }

  /** Whether all requests were answered well. */
  synchronized boolean isGood() {
    return streams > STREAMS && answers > 0 && failed == 0 && cut == 0;
  }

  synchronized String summary() {
    return "%d streams and %d single requests were whole; failed: %d; cut: %d%s"
        .formatted(
            streams,
            answers,
            failed,
            cut,
            messages.isEmpty() ? "" : "\n  " + String.join("\n  ", messages));
  }

  private static @Nullable Wire dropped(@Nullable Wire wire) {
    if (wire != null) {
      wire.close();
    }
    return null;
  }
}
