package relay.embedded;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The folder in which an embedded Redis keeps its data. One Redis uses it at a time: two would
 * write one log, and neither could be read again.
 */
final class DataFolder implements AutoCloseable {
  private static final int END_SECONDS = 10;

  private final Path path;
  private final FileChannel lock; // released when this JVM ends, too

  private DataFolder(Path path, FileChannel lock) {
    this.path = path;
    this.lock = lock;
  }

  /**
   * Makes the folder if it is missing, and takes it.
   *
   * @throws IOException when another Relay has it, or it cannot be written
   */
  static DataFolder take(Path folder) throws IOException {
    Path real = Files.createDirectories(folder).toRealPath();
    FileChannel channel =
        FileChannel.open(
            real.resolve("redis.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    DataFolder taken = new DataFolder(real, channel);
    try {
      taken.lock();
      taken.awaitEndOfTheLast();
      return taken;
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private void lock() throws IOException {
    try {
      if (lock.tryLock() != null) {
        return;
      }
    } catch (OverlappingFileLockException e) {
      // by this very process
    }
    throw RedisBinary.failure(
        "another Relay keeps its data in " + path + "; give each a redis.folder of its own");
  }

  /** The watchdog of a killed Relay ends its Redis a moment later. */
  private void awaitEndOfTheLast() throws IOException {
    if (!Files.exists(pidFile())) {
      return;
    }
    ProcessHandle last = ProcessHandle.of(pid()).filter(DataFolder::isRedis).orElse(null);
    try {
      if (last != null) {
        last.onExit().get(END_SECONDS, TimeUnit.SECONDS);
      }
    } catch (TimeoutException e) {
      throw RedisBinary.failure(
          "process %d, a Redis, still uses %s; end it, or delete %s if it does not"
              .formatted(last.pid(), path, pidFile()));
    } catch (ExecutionException e) {
      throw new IOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }

  /** Another process may have the id by now. */
  private static boolean isRedis(ProcessHandle process) {
    return process.info().command().map(c -> c.endsWith("redis-server")).orElse(false);
  }

  private long pid() throws IOException {
    String text = Files.readString(pidFile()).strip();
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      return -1; // it was killed while it wrote
    }
  }

  Path path() {
    return path;
  }

  Path pidFile() {
    return path.resolve("redis.pid");
  }

  /** Gives the folder back after its Redis has ended. */
  @Override
  public void close() throws IOException {
    Files.deleteIfExists(pidFile());
    lock.close();
  }
}
