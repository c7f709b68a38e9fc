package relay.redis;

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
    LOG("a strict log");

    final String title;

    Enforced(String title) {
      this.title = title;
    }

    Account open(long limit) {
      return switch (this) {
        case BUCKET -> new Account.Bucket(limit, limit);
        case SIXTH -> new Account.Bucket(limit, limit / 6.0);
        case SECOND -> new Account.Bucket(limit, limit / 60.0);
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
