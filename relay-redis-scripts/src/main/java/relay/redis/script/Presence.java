package relay.redis.script;

/** The role in which a process surveys a pool. */
sealed interface Presence {
  /** The word that the script gets. */
  String text();

  /**
   * A replica that runs: the call is its heartbeat.
   *
   * @param text its plan and configuration
   */
  record Alive(String text) implements Presence {}

  /** A replica that makes its last call: Redis then no longer counts it. */
  record Leaving() implements Presence {
    @Override
    public String text() {
      return "leave";
    }
  }

  /** A process that only reads. */
  record Observing() implements Presence {
    @Override
    public String text() {
      return "-";
    }
  }
}
