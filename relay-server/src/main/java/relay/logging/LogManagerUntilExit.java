package relay.logging;

import java.util.logging.LogManager;

/**
 * A log manager that logs until the JVM exits.
 *
 * <p>The JDK's log manager resets itself in a shutdown hook, in parallel with Relay's drain: the
 * drain's log lines would be lost. Public because the JVM creates it by name.
 */
public final class LogManagerUntilExit extends LogManager {
  /** For the JVM. */
  public LogManagerUntilExit() {}

  @Override
  public void reset() {
    // Nothing to close: the only handler logs until the exit.
  }
}
