package relay.config;

/**
 * The log level, the line format, and the log of requests.
 *
 * @param requestsRatio the share of the requests that get a line; failures of Relay or a provider
 *     always do
 */
public record LoggingConfig(Level level, Format format, boolean requests, double requestsRatio) {

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
    TEXT,
    /** Text on a terminal, else JSON. */
    AUTO
  }
}
