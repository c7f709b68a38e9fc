package relay.load;

import java.util.Map;
import java.util.TreeMap;

/** What became of the requests, or the events, of a measured time. Not thread-safe. */
public final class Tally {
  private final long sinceNanos = System.nanoTime();
  private final Latencies latencies = new Latencies();
  private final Map<String, Integer> faults = new TreeMap<>();
  private long count;
  private long untilNanos;

  void add(long latencyNanos) {
    count++;
    latencies.add(latencyNanos);
  }

  void fault(String what) {
    faults.merge(what, 1, Integer::sum);
  }

  Tally end() {
    untilNanos = System.nanoTime();
    return this;
  }

  /** Good answers, or events. */
  public long count() {
    return count;
  }

  /** Of them, a second. */
  public double perSecond() {
    return 1e9 * count / (untilNanos - sinceNanos);
  }

  /** How long they took, or how late the events came. */
  public Latencies latencies() {
    return latencies;
  }

  /** This, if nothing went wrong: a figure of failing requests is none. */
  public Tally checked() {
    if (!faults.isEmpty() || count == 0) {
      throw new IllegalStateException(count + " good answers, and faults: " + faults);
    }
    return this;
  }
}
