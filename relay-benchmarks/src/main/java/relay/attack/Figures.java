package relay.attack;

/**
 * What a replica says about itself.
 *
 * @param chargedBytes the memory that peers hold, as charged
 * @param budgetBytes the most that they may hold
 * @param heapBytes the used heap, garbage included
 * @param descriptors open file descriptors
 * @param requests requests under way
 * @param leases leases under way, of all groups and keys
 * @param linesDropped lines of the log that had no room
 * @param acceptPauses pauses in accepting clients
 */
record Figures(
    long chargedBytes,
    long budgetBytes,
    long heapBytes,
    long descriptors,
    long requests,
    long leases,
    long linesDropped,
    long acceptPauses) {

  /** The value of the only series of a metric. */
  static long named(String page, String name) {
    return page.lines()
        .filter(line -> line.startsWith(name + " "))
        .mapToLong(Figures::value)
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no metric is named " + name));
  }

  static long value(String line) {
    return (long) Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1));
  }
}
