package relay;

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
        };
    Logging.configure(level, format);
  }

  static RequestLog requestLog(LoggingConfig logging) {
    return new RequestLog(logging.requests() ? logging.requestsRatio() : 0);
  }
}
