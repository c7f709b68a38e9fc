package relay.e2e;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import relay.guards.Await;

/** Records the output of Redis's {@code MONITOR}. */
final class Monitor implements AutoCloseable {
  private static final Pattern LEASE_CALL =
      Pattern.compile(
          "\"FCALL\" \"relay_[0-9a-f]+_(acquire|acquire_indexed|acquire_named|settle|renew)\"");

  private final RedisSocket watching;
  private final RedisSocket marking;
  private final List<String> lines = new CopyOnWriteArrayList<>();
  private final AtomicInteger marks = new AtomicInteger();

  Monitor(int port) throws IOException {
    watching = new RedisSocket(port);
    marking = new RedisSocket(port);
    watching.text("MONITOR");
    Thread.ofVirtual().start(this::watch);
  }

  private void watch() {
    try {
      while (true) {
        lines.add(watching.line());
      }
    } catch (IOException e) {
      // closed: the test is over
    }
  }

  /** All commands that Redis has received so far. */
  List<String> until() throws Exception {
    String mark = "mark-" + marks.incrementAndGet();
    marking.text("ECHO", mark);
    Await.until(
        "Redis shows the mark " + mark,
        () -> lines.stream().anyMatch(line -> line.endsWith("\"" + mark + "\"")));
    return List.copyOf(lines);
  }

  /** The number of script calls about leases, without the scripts' own commands. */
  long leaseCalls() throws Exception {
    return until().stream().filter(line -> LEASE_CALL.matcher(line).find()).count();
  }

  @Override
  public void close() throws IOException {
    watching.close();
    marking.close();
  }
}
