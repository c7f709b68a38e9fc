package relay.redis.simulation;

/**
 * One simulation of the report.
 *
 * @param size of a request, as a share of the limit
 */
record Cell(SimulatedTraffic.Kind kind, Enforced account, int replicas, Rule rule, double size) {
  /** Providers that are simulated. */
  enum Enforced {
    BUCKET("a bucket of L"),
    SIXTH("a bucket of L/6"),
    SECOND("a bucket of L/60"),
    LOG("a strict log"),
    TOLD("a bucket of L/6, told by headers"),
    TOLD_LEFT("a bucket of L/6, told by headers without a time"),
    TOLD_SECOND("a bucket of L/60, told by headers"),
    SHARED("a bucket of L, told by headers, half of it used by others"),
    SHARED_SIXTH("a bucket of L/6, told by headers, half of L used by others");

    final String title;

    Enforced(String title) {
      this.title = title;
    }

    /** Whether answers state the limit and what is left. */
    boolean isTold() {
      return compareTo(TOLD) >= 0;
    }

    /** Whether others use half of the limit. */
    boolean isShared() {
      return compareTo(SHARED) >= 0;
    }

    /** Whether these answers state when all is left again. */
    boolean isTimed() {
      return this != TOLD_LEFT;
    }

    Account open(long limit) {
      return switch (this) {
        case BUCKET, SHARED -> new Account.Bucket(limit, limit);
        case SIXTH, TOLD, TOLD_LEFT, SHARED_SIXTH -> new Account.Bucket(limit, limit / 6.0);
        case SECOND, TOLD_SECOND -> new Account.Bucket(limit, limit / 60.0);
        case LOG -> new Account.Log(limit);
      };
    }
  }

  /** Long enough that a single request does not matter. */
  int minutes() {
    boolean known = kind == SimulatedTraffic.Kind.KNOWN;
    return Math.clamp(Math.round((known ? 1_500 : 24_000) * size), known ? 10 : 30, 300);
  }
}
