package relay.trial.load;

import java.time.Duration;

/** When the requests of an open loop arrive. Times are nanoseconds since its start. */
@FunctionalInterface
public interface ArrivalTimes {
  /**
   * The arrival after the one at {@code nanos}.
   *
   * @param spread the gap as a share of the mean gap
   */
  double next(double nanos, double spread);

  /** A constant rate. */
  static ArrivalTimes steady(double perSecond) {
    return (nanos, spread) -> nanos + spread * 1e9 / perSecond;
  }

  /** One rate for a time, and then another. */
  static ArrivalTimes steady(double perSecondAtFirst, Duration atFirst, double perSecond) {
    ArrivalTimes first = steady(perSecondAtFirst);
    ArrivalTimes then = steady(perSecond);
    return (nanos, spread) -> (nanos < atFirst.toNanos() ? first : then).next(nanos, spread);
  }

  /** In each period a burst at this rate, and then no arrival until the next period. */
  static ArrivalTimes bursts(double perSecond, Duration burst, Duration period) {
    double rest = period.toNanos() - burst.toNanos();
    return (nanos, spread) -> {
      double next = nanos + spread * 1e9 / perSecond;
      return next % period.toNanos() < burst.toNanos() ? next : next + rest;
    };
  }
}
