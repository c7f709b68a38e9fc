package relay.config;

/** The log level and the line format. */
public record LoggingConfig(Level level, Format format) {

  /** From least to most verbose. Each level includes the ones before it. */
  public enum Level {
    ERROR,
    WARN,
    INFO,
    DEBUG,
    TRACE
  }

  /** One JSON object per line, or human-readable text. */
  public enum Format {
    JSON,
    TEXT
  }
}
