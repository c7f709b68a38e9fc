package relay.trial.provider;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The faults of the simulated provider. */
enum SimulatedFault {
  /** 429 of a rate limit; charges nothing. */
  STATUS_429(429),
  /** 429 that waiting does not cure: the spend limit (anthropic), the quota (openai). */
  SPEND_429(429),
  STATUS_401(401),
  STATUS_403(403),
  STATUS_500(500),
  STATUS_503(503),
  STATUS_529(529),
  /** TCP reset before any byte of the answer; charges nothing. */
  RESET_AT_START(0),
  /** TCP reset after half of the answer. */
  RESET_MID_BODY(0),
  /** No byte of an answer, ever. */
  STALL_AT_START(0),
  /** Half of the answer, then silence. */
  STALL_MID_STREAM(0),
  /** Half of the answer, then an orderly close without the last chunk. */
  TRUNCATED(0),
  /** Half of the stream, then an error event of the dialect, then an orderly end. */
  ERROR_EVENT(0);

  private final int status;

  SimulatedFault(int status) {
    this.status = status;
  }

  /** The status to answer with; 0 = the fault is not a status. */
  int status() {
    return status;
  }

  boolean beforeAdmission() {
    return status != 0 || this == RESET_AT_START || this == STALL_AT_START;
  }

  /** {@code 429}, {@code spend-429}, {@code reset-at-start} …; null for an unknown name. */
  static @Nullable SimulatedFault named(String name) {
    String upper = name.trim().toUpperCase(Locale.ROOT).replace('-', '_');
    for (SimulatedFault fault : values()) {
      if (fault.name().equals(upper) || fault.name().equals("STATUS_" + upper)) {
        return fault;
      }
    }
    return null;
  }
}
