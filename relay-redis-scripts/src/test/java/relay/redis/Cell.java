package relay.redis;

import java.util.function.LongFunction;

/**
 * One simulation of the report.
 *
 * @param size of a request, as a share of the limit
 */
record Cell(Traffic.Kind kind, Provider account, int replicas, Rule rule, double size) {
  /** Providers that are simulated. */
  enum Provider {
    BUCKET("a bucket of L", limit -> new Account.Bucket(limit, limit)),
    SIXTH("a bucket of L/6", limit -> new Account.Bucket(limit, limit / 6.0)),
    SECOND("a bucket of L/60", limit -> new Account.Bucket(limit, limit / 60.0)),
    LOG("a strict log", Account.Log::new);

    final String title;
    private final LongFunction<Account> made;

    Provider(String title, LongFunction<Account> made) {
      this.title = title;
      this.made = made;
    }

    Account open(long limit) {
      return made.apply(limit);
    }
  }

  /** Measured so long that a single request does not show. */
  int minutes() {
    return size < 0.01 ? 10 : (int) Math.min(300, Math.round(1_500 * size));
  }
}
