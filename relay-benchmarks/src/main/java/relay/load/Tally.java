package relay.load;

import java.util.Map;
import java.util.TreeMap;

/** The outcomes of the requests or events in a measured time. Not thread-safe. */
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

  /** Counts a connection's answer. One that was due before {@code fromNanos} counts only if bad. */
  void answered(Connection connection, long fromNanos) {
    int status = connection.answer().status();
    if (status != 200) {
      fault("status " + status);
    } else if (connection.sinceNanos() - fromNanos >= 0) {
      add(System.nanoTime() - connection.sinceNanos());
    }
  }

  void fault(String what) {
    faults.merge(what, 1, Integer::sum);
  }

  Tally end() {
    untilNanos = System.nanoTime();
    return this;
  }

  /** The number of good answers or events. */
  public long count() {
    return count;
  }

  /** The rate of good answers or events per second. */
  public double perSecond() {
    return 1e9 * count / (untilNanos - sinceNanos);
  }

  /** The latencies of answers, or the delays of events. */
  public Latencies latencies() {
    return latencies;
  }

  /** Returns this if there were no faults: figures with failed requests are not valid. */
  public Tally checked() {
    if (!faults.isEmpty() || count == 0) {
      throw new IllegalStateException(count + " good answers, and faults: " + faults);
    }
    return this;
  }
}
