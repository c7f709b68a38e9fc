package relay.metrics;

import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts and logs what shadow mode let pass: at once, then for each pool and client at most one
 * line in ten seconds, with the number of requests since. Bounded, for there may be thousands of
 * clients.
 */
final class ShadowLog {
  private static final Logger log = LoggerFactory.getLogger(ShadowLog.class);
  private static final long PAUSE_NANOS = TimeUnit.SECONDS.toNanos(10);
  private static final int MOST = 10_000;

  private final Series wouldDeny;
  private final LongSupplier nanoTime;
  private final Map<String, Passed> passed = new ConcurrentHashMap<>();

  /** What one pool or client let pass. */
  private static final class Passed {
    private long loggedNanos;
    private long requests;
    private boolean logged;

    /** How many to log now; 0 for none. */
    private synchronized long add(long nowNanos) {
      requests++;
      if (logged && nowNanos - loggedNanos < PAUSE_NANOS) {
        return 0;
      }
      long all = requests;
      requests = 0;
      loggedNanos = nowNanos;
      logged = true;
      return all;
    }
  }

  ShadowLog(MeterRegistry registry, LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    wouldDeny =
        new Series(
            registry,
            "relay.would.deny",
            "Requests that passed in shadow mode, and would have been refused",
            "scope");
    wouldDeny.prepare(Stream.of("pool", "client", "budget").map(List::of));
  }

  void passed(String scope, String name, String reason) {
    wouldDeny.of(scope).increment();
    if (passed.size() >= MOST) {
      passed.clear();
    }
    long requests =
        passed.computeIfAbsent(scope + " " + name, _ -> new Passed()).add(nanoTime.getAsLong());
    if (requests > 0) {
      log.info(
          "{} {} is in shadow mode: would have refused {} requests, the last for its limit: {}",
          scope,
          name,
          requests,
          reason);
    }
  }
}
