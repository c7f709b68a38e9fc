package relay.config;

/** What is logged, and how a line looks. */
public record LoggingConfig(Level level, Format format) {

  /** From quiet to talkative; a level includes those before it. */
  public enum Level {
    ERROR,
    WARN,
    INFO,
    DEBUG,
    TRACE
  }

  /** One JSON object a line, or text for people. */
  public enum Format {
    JSON,
    TEXT
  }
}
