package relay.logging;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.LogManager;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.slf4j.event.Level;

/** Sets up java.util.logging, which SLF4J and the libraries write to. */
public final class Logging {
  /** How a line looks. */
  public enum Format {
    /** One JSON object a line, for a collector. */
    JSON,
    /** For people. */
    TEXT
  }

  /**
   * The parent of Relay's loggers. It has the configured level; the JDK and the libraries log
   * warnings only. The reference keeps the level: an unreferenced logger is collected. A separate
   * class, because the first logger fixes the log manager, and {@link #configure} chooses it.
   */
  private static final class Own {
    static final Logger LOGGER = Logger.getLogger("relay");
  }

  /** The longest time that an unread log delays the exit. */
  private static final Duration LAST_LINES = Duration.ofSeconds(1);

  private static final FileOutputStream STDERR = new FileOutputStream(FileDescriptor.err);

  private Logging() {}

  /**
   * Sends every record of {@code level} and above to stderr. Call it before the first use of a
   * logger: else records are lost while the JVM shuts down. A later call replaces level and format.
   * A thread of its own writes: see {@link #dropped} and {@link #flush}.
   */
  public static void configure(Level level, Format format) {
    configure(level, format, STDERR);
  }

  /** Lines that did not fit into the queue, because stderr was not read. */
  public static long dropped() {
    return handlers().mapToLong(LineHandler::dropped).sum();
  }

  /**
   * Waits until all lines are written, for at most a second. Call it before {@code halt}; {@code
   * exit} calls it through a shutdown hook.
   */
  public static void flush() {
    handlers().forEach(handler -> handler.flush(LAST_LINES.toNanos()));
  }

  private static Stream<LineHandler> handlers() {
    return Arrays.stream(LogManager.getLogManager().getLogger("").getHandlers())
        .filter(LineHandler.class::isInstance)
        .map(LineHandler.class::cast);
  }

  /** Chooses the log manager. Threads may use loggers from now on, before {@link #configure}. */
  public static void chooseManager() {
    System.setProperty("java.util.logging.manager", LogManagerUntilExit.class.getName());
  }

  /**
   * Does the slow part of {@link #configure}: before the JDK creates a log manager, it searches
   * each jar for another one.
   */
  public static void prepare() {
    LogManager.getLogManager();
  }

  static void configure(Level level, Format format, OutputStream out) {
    chooseManager();
    Logger root = LogManager.getLogManager().getLogger("");
    Formatter formatter = format == Format.JSON ? new JsonFormatter() : new TextFormatter();
    Optional<LineHandler> same = handlers().filter(handler -> handler.writesTo(out)).findAny();
    if (same.isPresent()) {
      same.orElseThrow().setFormatter(formatter); // keeps the queue and its count
    } else {
      for (Handler handler : root.getHandlers()) {
        root.removeHandler(handler);
        handler.close();
      }
      LineHandler handler = new LineHandler(out, formatter);
      handler.setFilter(new LibraryLines(System::nanoTime));
      root.addHandler(handler);
      root.addHandler(RecentRecords.ofProcess());
      if (out == STDERR) {
        flushAtExit(handler);
      }
    }
    Level quiet = level.toInt() > Level.WARN.toInt() ? level : Level.WARN;
    root.setLevel(Levels.of(quiet));
    Own.LOGGER.setLevel(Levels.of(level));
  }

  private static void flushAtExit(LineHandler handler) {
    Runnable lastLines =
        () -> {
          handler.stopping();
          handler.flush(LAST_LINES.toNanos());
        };
    try {
      Runtime.getRuntime().addShutdownHook(new Thread(lastLines, "log-flush"));
    } catch (IllegalStateException e) {
      // the JVM stops already
    }
  }
}
