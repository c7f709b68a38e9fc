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

  /** So many a second. */
  static ArrivalTimes steady(double perSecond) {
    return (nanos, spread) -> nanos + spread * 1e9 / perSecond;
  }

  /** Another number a second at first. */
  static ArrivalTimes steady(double perSecondAtFirst, Duration atFirst, double perSecond) {
    ArrivalTimes first = steady(perSecondAtFirst);
    ArrivalTimes then = steady(perSecond);
    return (nanos, spread) -> (nanos < atFirst.toNanos() ? first : then).next(nanos, spread);
  }

  /** So many a second at the beginning of each period, and none in the rest of it. */
  static ArrivalTimes bursts(double perSecond, Duration burst, Duration period) {
    double rest = period.toNanos() - burst.toNanos();
    return (nanos, spread) -> {
      double next = nanos + spread * 1e9 / perSecond;
      return next % period.toNanos() < burst.toNanos() ? next : next + rest;
    };
  }
}
