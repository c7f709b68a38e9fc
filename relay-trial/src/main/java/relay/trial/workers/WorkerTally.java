package relay.trial.workers;

import java.util.EnumMap;
import java.util.Map;

/** What a worker counted, or several together. For one thread. */
public final class WorkerTally {

  /** The counted events. */
  public enum Count {
    LEASES,
    /** Sent to the provider, and answered. */
    REQUESTS,
    /** Granted by a lease, but never sent. */
    UNSENT,
    /** 429s that the trial ordered of the provider, and that workers reported to Relay. */
    INJECTED,
    /** Other 429s of the provider. */
    PROVIDER_429,
    RENEWALS,
    /** Settled after the lease had died. */
    LATE,
    /** Leases that died though they were to be renewed: the machine stood still. */
    LOST,
    ERRORS
  }

  private final Map<Count, Long> counts = new EnumMap<>(Count.class);
  private String firstError = "";

  /** How often it happened. */
  public long of(Count what) {
    return counts.getOrDefault(what, 0L);
  }

  /** The first error; empty = none. */
  public String firstError() {
    return firstError;
  }

  void add(Count what, long more) {
    counts.merge(what, more, Long::sum);
  }

  void failed(String error) {
    add(Count.ERRORS, 1);
    firstError = firstError.isEmpty() ? error.lines().findFirst().orElse("") : firstError;
  }

  /** Adds what another counted. */
  public void add(WorkerTally other) {
    other.counts.forEach(this::add);
    firstError = firstError.isEmpty() ? other.firstError : firstError;
  }

  /** One line, for {@link #parse}. */
  String line() {
    StringBuilder line = new StringBuilder();
    for (Count count : Count.values()) {
      line.append(of(count)).append(' ');
    }
    return line + firstError;
  }

  static WorkerTally parse(String line) {
    String[] words = line.split(" ", Count.values().length + 1);
    WorkerTally tally = new WorkerTally();
    int next = 0;
    for (Count count : Count.values()) {
      tally.add(count, Long.parseLong(words[next++]));
    }
    tally.firstError = words[next];
    return tally;
  }
}
