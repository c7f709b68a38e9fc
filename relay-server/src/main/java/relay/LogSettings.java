package relay;

import java.io.Console;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.event.Level;
import relay.config.LoggingConfig;
import relay.logging.Logging;
import relay.logging.RequestLog;

/** The configuration's words for what is logged, in the log's. */
final class LogSettings {
  private LogSettings() {}

  static void apply(LoggingConfig logging) {
    Level level =
        switch (logging.level()) {
          case ERROR -> Level.ERROR;
          case WARN -> Level.WARN;
          case INFO -> Level.INFO;
          case DEBUG -> Level.DEBUG;
          case TRACE -> Level.TRACE;
        };
    Logging.Format format =
        switch (logging.format()) {
          case JSON -> Logging.Format.JSON;
          case TEXT -> Logging.Format.TEXT;
          case AUTO -> isTerminal() ? Logging.Format.TEXT : Logging.Format.JSON;
        };
    Logging.configure(level, format);
  }

  /** Whether a person reads the log: Relay runs on a terminal, and standard error is not a file. */
  private static boolean isTerminal() {
    if (!Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false)) {
      return false;
    }
    try {
      return Path.of("/proc/self/fd/2").toRealPath().startsWith("/dev");
    } catch (IOException notLinux) {
      return true;
    }
  }

  static RequestLog requestLog(LoggingConfig logging) {
    return new RequestLog(logging.requests() ? logging.requestsRatio() : 0);
  }
}
