package relay.attack;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/** Reads the replica's log from a pipe, or leaves it unread. Keeps warnings and errors. */
final class LogReader {
  private static final long LOOK_NANOS = 10_000_000;
  private static final int MOST_KEPT = 20_000;

  private final BufferedReader lines;
  private final Path file;
  private final Thread thread;
  private volatile boolean reads = true;
  private final AtomicLong redisLost = new AtomicLong();
  private final AtomicLong serious = new AtomicLong();

  LogReader(BufferedReader lines, Path file) {
    this.lines = lines;
    this.file = file;
    thread = Thread.ofPlatform().daemon().name("log").start(this::run);
  }

  /** Reads from now on, or leaves the pipe alone: it fills up. */
  void read(boolean next) {
    reads = next;
    LockSupport.unpark(thread);
  }

  /** How often the replica gave its connection to Redis up. */
  long redisLost() {
    return redisLost.get();
  }

  /** Lines at the level of warnings or above. */
  long serious() {
    return serious.get();
  }

  private void run() {
    try (Writer kept = Files.newBufferedWriter(file)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        take(line, kept);
        while (!reads) {
          LockSupport.parkNanos(this, LOOK_NANOS);
        }
      }
    } catch (IOException e) {
      System.err.println("the log cannot be read: " + e);
    }
  }

  private void take(String line, Writer kept) throws IOException {
    if (line.contains("WARN") || line.contains("ERROR")) {
      serious.getAndIncrement();
      redisLost.getAndAdd(line.contains("is down") ? 1 : 0);
    } else if (line.contains(" INFO ")) {
      return;
    }
    if (serious.get() < MOST_KEPT) {
      kept.write(line + "\n");
      kept.flush();
    }
  }
}
