package relay;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The number of replicas that shared the limits last, in a file of {@code redis.folder}. A replica
 * that starts while Redis is away takes its part of the limits by it.
 */
final class FleetSize {
  private static final Logger log = LoggerFactory.getLogger(FleetSize.class);
  private static final String FILE = "replicas";
  private static final int MOST = 1_000_000;

  /** A fleet that stops shrinks one by one, and is as large as before when it starts again. */
  private static final Duration SHRINKS_AFTER = Duration.ofMinutes(10);

  private final @Nullable Path folder;
  private final LongSupplier nanoTime;
  private int kept;
  private int most; // since the number was last kept or equalled
  private long keptNanos;

  /**
   * @param folder null = nothing is kept
   */
  FleetSize(@Nullable Path folder, LongSupplier nanoTime) {
    this.folder = folder;
    this.nanoTime = nanoTime;
    keptNanos = nanoTime.getAsLong();
  }

  /** The number that was kept; 0 if there is none. */
  int read() {
    if (folder == null) {
      return 0;
    }
    Path file = folder.resolve(FILE);
    try {
      int number = Integer.parseInt(Files.readString(file).strip());
      kept = number > 0 && number <= MOST ? number : 0;
    } catch (NoSuchFileException e) {
      log.debug("{} does not exist yet", file);
    } catch (IOException | NumberFormatException e) {
      log.warn("cannot read {}, the fleet's last known size: {}", file, e.toString());
    }
    return kept;
  }

  /**
   * Keeps a larger number at once, and a smaller one when no larger was seen for ten minutes.
   *
   * @param replicas that were alive at once; 0 if that is not known
   */
  void saw(int replicas) {
    if (folder == null || replicas <= 0) {
      return;
    }
    long now = nanoTime.getAsLong();
    most = Math.max(most, replicas);
    if (replicas == kept) {
      keptNanos = now;
      most = replicas;
    } else if (replicas > kept || now - keptNanos >= SHRINKS_AFTER.toNanos()) {
      keptNanos = now; // also after a failure: it is logged once in ten minutes
      write(folder, most);
      most = 0;
    }
  }

  private void write(Path into, int replicas) {
    kept = replicas;
    try {
      Files.createDirectories(into);
      Path next = into.resolve(FILE + ".next");
      Files.writeString(next, replicas + "\n");
      Files.move(
          next,
          into.resolve(FILE),
          StandardCopyOption.ATOMIC_MOVE,
          StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      log.warn("cannot keep the fleet's size in redis.folder: {}", e.toString());
    }
  }
}
