package relay.logging;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.LogManager;
import java.util.logging.Logger;
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

  private Logging() {}

  /**
   * Sends every record of {@code level} and above to stderr. Call it before the first use of a
   * logger: else records are lost while the JVM shuts down. A later call replaces level and format.
   */
  public static void configure(Level level, Format format) {
    configure(level, format, new FileOutputStream(FileDescriptor.err));
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
    for (Handler handler : root.getHandlers()) {
      root.removeHandler(handler);
    }
    Formatter formatter = format == Format.JSON ? new JsonFormatter() : new TextFormatter();
    Handler lines = new LineHandler(out, formatter);
    lines.setFilter(new LibraryLines(formatter, System::nanoTime));
    root.addHandler(lines);
    Level quiet = level.toInt() > Level.WARN.toInt() ? level : Level.WARN;
    root.setLevel(Levels.of(quiet));
    Own.LOGGER.setLevel(Levels.of(level));
  }
}
