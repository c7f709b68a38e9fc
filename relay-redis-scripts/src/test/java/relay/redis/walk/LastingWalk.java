package relay.redis.walk;

import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Draws of leases that last until their holder ends them: their ids begin with {@code @}. */
final class LastingWalk {
  private static final int[] REQUESTS = {1, 1, 2, 3, 10, 60, 1_000, 1_000_000};

  private LastingWalk() {}

  static Wish.Term term(RandomGenerator random) {
    long requests = REQUESTS[random.nextInt(REQUESTS.length)];
    return new Wish.Term(random.nextLong(1_000, 900_001), requests, random.nextBoolean());
  }

  /** The id of a lease of one of two owners. */
  static String id(RandomGenerator random, String name) {
    return "@" + random.nextInt(2) + ":" + name;
  }

  /** What ends a lease that lasts: as many requests as there may be, and perhaps for good. */
  static Step.Cost cost(RandomGenerator random, @Nullable LeaseModel lease, Step.Cost of) {
    if (!LeaseModel.lasts(of.id())) {
      return of;
    }
    long most = lease == null ? 1 : lease.requests;
    long requests = random.nextInt(3) == 0 ? random.nextLong(1 + 2 * most) : most;
    boolean closes = random.nextInt(4) == 0;
    boolean tells = !closes || of.input() % 2 == 0; // a refusal may tell no use
    if (random.nextInt(6) == 0) {
      return new Step.Cost(of.id(), requests, 0, 0, true);
    }
    return new Step.Cost(
        of.id(), requests, tells ? of.input() : 0, tells ? of.output() : 0, closes);
  }
}
