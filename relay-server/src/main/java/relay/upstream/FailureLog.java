package relay.upstream;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import relay.upstream.UpstreamCall.FailureCause;

/**
 * Logs why a provider gives no answer: at most one line per cause in {@value #PAUSE_NANOS} ns, with
 * the number of failures left out. Takes no lock: carriers log.
 */
final class FailureLog {
  static final long PAUSE_NANOS = 5_000_000_000L;
  private static final int MOST_CHARS = 300;

  private final String provider;
  private final Consumer<String> lines;
  private final LongSupplier nanoTime;
  private final Map<FailureCause, Pace> paces = new EnumMap<>(FailureCause.class);

  private static final class Pace {
    private final AtomicLong nextAt;
    private final AtomicLong unlogged = new AtomicLong();

    Pace(long now) {
      nextAt = new AtomicLong(now);
    }
  }

  FailureLog(String provider, Consumer<String> lines, LongSupplier nanoTime) {
    this.provider = provider;
    this.lines = lines;
    this.nanoTime = nanoTime;
    for (FailureCause cause : FailureCause.values()) {
      paces.put(cause, new Pace(nanoTime.getAsLong()));
    }
  }

  void report(FailureCause cause, Throwable failure) {
    Pace pace = paces.get(cause);
    if (pace == null) {
      throw new IllegalArgumentException("no such cause: " + cause);
    }
    pace.unlogged.getAndIncrement();
    long now = nanoTime.getAsLong();
    long next = pace.nextAt.get();
    if (now - next >= 0 && pace.nextAt.compareAndSet(next, now + PAUSE_NANOS)) {
      long more = pace.unlogged.getAndSet(0) - 1;
      lines.accept(
          "provider %s: %s (%s)%s"
              .formatted(
                  provider,
                  cause.text(),
                  root(failure),
                  more > 0 ? "; " + more + " more since the last such line" : ""));
    }
  }

  private static String root(Throwable failure) {
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    String text = root.toString();
    return text.length() <= MOST_CHARS ? text : text.substring(0, MOST_CHARS) + "...";
  }
}
