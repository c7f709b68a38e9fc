package relay.redis.walk;

/** A pool's time: it never goes back, and does not follow each step of Redis's clock. */
final class TimeModel {
  private long offset;
  private long last;
  private long heard; // a replica's last heartbeat
  private long doubted; // Redis's time when a caller without a ceiling first doubted it

  /** For a new pool. */
  void begin() {
    offset = 0;
    last = 0;
    heard = 0;
    doubted = 0;
  }

  long last() {
    return last;
  }

  /** Redis's clock at this pool time, if the clock does not step. */
  long given(long poolMicros) {
    return poolMicros - offset;
  }

  /** Returns an action that restores the clock, as if no call had come. */
  Runnable rewinder() {
    long offsetNow = offset;
    long lastNow = last;
    long doubtedNow = doubted;
    return () -> {
      offset = offsetNow;
      last = lastNow;
      doubted = doubtedNow;
    };
  }

  /** A survey was made now. */
  void surveyed(boolean anyAlive, boolean byReplica) {
    if (!anyAlive) {
      heard = 0;
    } else if (byReplica) {
      heard = last;
    }
  }

  /**
   * Monotonic; a step ahead is capped at the caller's ceiling, and time that a late call lost is
   * made up. Without a ceiling it stays for up to a second, if a heartbeat is to be expected.
   */
  long now(Clock clock) {
    long time = clock.given() + offset;
    if (clock.ceiling() > 0) {
      doubted = 0;
      time = Math.clamp(time, clock.ceiling() - 30_000, clock.ceiling());
    } else if (time > last + 1_000_000 && heard > Math.max(0, last - 3_000_000)) {
      doubted = doubted == 0 ? clock.given() : Math.min(doubted, clock.given());
      if (clock.given() < doubted + 1_000_000) {
        return last;
      }
      doubted = 0;
    }
    time = Math.max(time, last);
    offset = time - clock.given();
    last = time;
    return time;
  }
}
