package relay.logging;

import java.util.concurrent.ThreadLocalRandom;
import java.util.function.DoubleSupplier;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/**
 * The log of requests: a line each at level info, or for a share of them. The lines take the way of
 * all others, through the bounded queue. Create it after {@link Logging#configure}.
 */
public final class RequestLog {
  private static final int FAILURE = 500;
  private static final String NAME = "relay.requests";

  private final Logger logger = Logger.getLogger(NAME);
  private final double ratio;
  private final DoubleSupplier random;

  /**
   * @param ratio the share of the requests that get a line, from 0 for none to 1. Above 0, each
   *     that ends with a 5xx gets one
   */
  public RequestLog(double ratio) {
    this(ratio, () -> ThreadLocalRandom.current().nextDouble());
  }

  /**
   * @param random numbers in [0, 1)
   */
  RequestLog(double ratio, DoubleSupplier random) {
    this.ratio = ratio;
    this.random = random;
  }

  /** Whether this request gets a line. Ask once: it may be drawn. */
  public boolean takes(int status) {
    return ratio > 0
        && logger.isLoggable(Level.INFO)
        && (ratio >= 1 || status >= FAILURE || random.getAsDouble() < ratio);
  }

  /** Logs a request. */
  public void write(RequestLine line) {
    LogRecord record = new LogRecord(Level.INFO, "request");
    record.setLoggerName(NAME);
    record.setParameters(new Object[] {line});
    logger.log(record);
  }
}
