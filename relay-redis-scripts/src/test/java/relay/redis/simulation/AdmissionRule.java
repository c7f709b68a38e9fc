package relay.redis.simulation;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import relay.redis.lease.ReportPace;
import relay.redis.model.Accounting;
import relay.redis.model.ExpectedOutput;

/** Decides whether to send a request to a provider now. Times are in microseconds. */
interface AdmissionRule {
  /**
   * An admitted request.
   *
   * @param number of the request, from 1
   * @param tokens the reservation
   */
  record Pass(long number, int replica, long at, long tokens) {}

  /**
   * What a request reserves.
   *
   * @param spread of the tokens; -1 if they are its cost
   * @param cautious the reservation of a rule that knows no mean
   */
  record Ask(long tokens, long spread, long cautious) {
    /** A request of this cost. */
    static Ask of(long tokens) {
      return new Ask(tokens, -1, tokens);
    }
  }

  /** Admits a request and charges it. Returns null, without any effect, if it is not admitted. */
  @Nullable Pass admit(long now, long number, int replica, Ask ask);

  /**
   * A running request reports what it has made.
   *
   * @param rest expected still to come
   */
  default void report(long now, Pass pass, long made, ExpectedOutput rest) {}

  /**
   * An answer states what is left of the limit, and the least time until it is full; -1 if it does
   * not.
   */
  default void told(long now, Pass pass, long left, long fullMs) {}

  /** How running requests report; null for a rule that takes no reports. */
  default @Nullable ReportPace pace(long now) {
    return null;
  }

  /** The pace of an engine's reports. */
  static ReportPace paceOf(Accounting accounting, double bucket) {
    return ReportPace.of(accounting, Duration.ofMinutes(1), bucket, Duration.ofSeconds(10));
  }

  /** The request has ended with this actual cost. */
  void settle(long now, Pass pass, long tokens);

  /** The provider refused the request and asks for this pause. */
  void refused(long now, Pass pass, long waitMicros);

  /** The largest reservation that is ever admitted. */
  long largest();
}
