package relay.endtoend;

/** The machine of the measurement. */
final class Machine {
  private Machine() {}

  /** The description for reports. */
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
