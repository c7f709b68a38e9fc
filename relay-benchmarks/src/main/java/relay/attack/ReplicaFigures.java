package relay.attack;

/**
 * What a replica says about itself.
 *
 * @param chargedBytes the memory that peers hold, as charged
 * @param budgetBytes the most that they may hold
 * @param heapBytes the used heap, garbage included
 * @param descriptors open file descriptors
 * @param clients of these, connections of clients and operators
 * @param unread of these, connections with unread bytes
 * @param requests requests under way
 * @param leases leases under way, of all groups and keys
 * @param linesDropped lines of the log that had no room
 * @param acceptPauses pauses in accepting clients
 */
record ReplicaFigures(
    long chargedBytes,
    long budgetBytes,
    long heapBytes,
    long descriptors,
    long clients,
    long unread,
    long requests,
    long leases,
    long linesDropped,
    long acceptPauses) {

  /** Those of the reading itself, which may not have been closed yet. */
  private static final int OWN_CONNECTIONS = 2;

  /** Whether everything was given back that attackers held. Connections to providers may stay. */
  boolean isCalm(ReplicaFigures before) {
    return requests == 0
        && leases == 0
        && chargedBytes <= before.chargedBytes()
        && clients <= before.clients() + OWN_CONNECTIONS;
  }

  /** The value of the only series of a metric. */
  static long named(String page, String name) {
    return page.lines()
        .filter(line -> line.startsWith(name + " "))
        .mapToLong(ReplicaFigures::value)
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no metric is named " + name));
  }

  static long value(String line) {
    return (long) Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1));
  }
}
