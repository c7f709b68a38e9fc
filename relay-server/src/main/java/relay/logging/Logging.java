package relay.logging;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStream;
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
   * Relay's own loggers, whose level is the operator's; of the JDK and the libraries only warnings
   * are of use. Held here because a logger that nobody holds forgets its level, and in a class of
   * its own because the first logger fixes the log manager, which {@link #configure} chooses.
   */
  private static final class Own {
    static final Logger LOGGER = Logger.getLogger("relay");
  }

  private Logging() {}

  /**
   * Sends every record of {@code level} and above to stderr. Call it first thing in {@code main}:
   * only then do records that are written while the JVM shuts down still come out. A later call
   * replaces level and format.
   */
  public static void configure(Level level, Format format) {
    configure(level, format, new FileOutputStream(FileDescriptor.err));
  }

  /** As {@link #configure} does first: then other threads may use loggers before. */
  public static void chooseManager() {
    System.setProperty("java.util.logging.manager", LogManagerUntilExit.class.getName());
  }

  /**
   * What {@link #configure} takes its time for: before the first log manager is there, the JDK
   * looks for others in each jar.
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
    root.addHandler(
        new LineHandler(out, format == Format.JSON ? new JsonFormatter() : new TextFormatter()));
    Level quiet = level.toInt() > Level.WARN.toInt() ? level : Level.WARN;
    root.setLevel(Levels.of(quiet));
    Own.LOGGER.setLevel(Levels.of(level));
  }
}
