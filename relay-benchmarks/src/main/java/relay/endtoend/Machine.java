package relay.endtoend;

/** What was measured on. */
final class Machine {
  private Machine() {}

  /** As each page names it. */
  static String card(String redisVersion) {
    return System.getProperty("os.arch")
        + ", "
        + Runtime.getRuntime().availableProcessors()
        + " cores, JDK "
        + Runtime.version().feature()
        + ", "
        + redisVersion;
  }
}
