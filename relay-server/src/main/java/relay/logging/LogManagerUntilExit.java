package relay.logging;

import java.util.logging.LogManager;

/**
 * A log manager that does not stop before the program does.
 *
 * <p>The JDK's resets itself in a shutdown hook of its own, which runs beside the one that drains:
 * what the drain logs would be lost. The JVM makes it by name, hence public.
 */
public final class LogManagerUntilExit extends LogManager {
  /** For the JVM. */
  public LogManagerUntilExit() {}

  @Override
  public void reset() {
    // Nothing to close: the only handler writes through to stderr.
  }
}
