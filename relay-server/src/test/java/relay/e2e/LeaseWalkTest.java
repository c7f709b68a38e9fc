package relay.e2e;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import relay.Seeds;
import relay.model.Dialect;

/**
 * Random walks of workers with leases, at two replicas: see {@link LeaseWalk}. The walks run at
 * once, each with a provider of its own. {@code -Drelay.seed=N} repeats one.
 */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LeaseWalkTest {
  private static final int WALKS = Integer.getInteger("relay.lease_walks", 8);

  private final Seeds seeds = new Seeds();
  private final RawProvider provider = RawProvider.fine(Dialect.ANTHROPIC);
  private final Replicas replicas = setup().start(2);

  LeaseWalkTest() throws Exception {}

  private Setup setup() throws IOException {
    Setup setup = new Setup().client("stranger", "leases: true");
    for (int n = 0; n < WALKS; n++) {
      LeasePlace place = place(n);
      setup.client(place.free(), "leases: true");
      setup.client(place.limited(), "leases: true, rpm_limit: 1000000, itpm_limit: 1000000000");
      setup.provider(
          place.pool(),
          place.dialect(),
          provider.url(),
          List.of(LeaseLedger.pooling()),
          List.of(
              Setup.key(place.pool() + "-1", place.limits()),
              Setup.key(place.pool() + "-2", place.limits())));
    }
    return setup;
  }

  private LeasePlace place(int number) {
    return LeasePlace.of(number, seeds.random(number));
  }

  @AfterAll
  void close() throws Exception {
    replicas.close();
    provider.close();
  }

  @Test
  void what_is_charged_and_open_is_what_the_workers_calls_say() throws Exception {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> walks = new ArrayList<>();
      for (int n = 0; n < seeds.tries(WALKS); n++) {
        int number = n;
        walks.add(
            threads.submit(
                () -> {
                  try (LeaseWalk walk =
                      new LeaseWalk(replicas, place(number), seeds.random(number))) {
                    walk.go();
                  } catch (Exception | AssertionError e) {
                    throw new AssertionError(seeds.replay(number) + ": " + e.getMessage(), e);
                  }
                  return null;
                }));
      }
      for (Future<?> walk : walks) {
        walk.get();
      }
    }
  }
}
