package relay.redis.walk;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Runs several random walks at once: most of a step is waiting for Redis. */
final class AtOnce {
  private static final int WALKS = 4;

  private AtOnce() {}

  /** Runs a task on several threads and waits for all; throws the first failure. */
  static void run(Runnable walks) throws Exception {
    List<Future<?>> all = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(WALKS)) {
      for (int n = 0; n < WALKS; n++) {
        all.add(threads.submit(walks));
      }
    }
    for (Future<?> one : all) {
      try {
        one.get();
      } catch (ExecutionException e) {
        if (e.getCause() instanceof AssertionError failure) {
          throw failure;
        }
        throw e;
      }
    }
  }
}
