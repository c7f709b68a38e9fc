package relay.logging;

import java.util.logging.Level;

/** SLF4J's levels and those of java.util.logging. */
final class Levels {
  private Levels() {}

  static Level of(org.slf4j.event.Level level) {
    return switch (level) {
      case ERROR -> Level.SEVERE;
      case WARN -> Level.WARNING;
      case INFO -> Level.INFO;
      case DEBUG -> Level.FINE;
      case TRACE -> Level.FINEST;
    };
  }

  /** The operator's word for a level. */
  static String name(Level level) {
    int value = level.intValue();
    if (value >= Level.SEVERE.intValue()) {
      return "error";
    } else if (value >= Level.WARNING.intValue()) {
      return "warn";
    } else if (value >= Level.INFO.intValue()) {
      return "info";
    } else if (value >= Level.FINE.intValue()) {
      return "debug";
    } else {
      return "trace";
    }
  }
}
