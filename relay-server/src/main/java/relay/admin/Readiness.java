package relay.admin;

/** Whether a replica should receive traffic. */
public sealed interface Readiness {

  /** The replica should receive traffic. */
  record Ready() implements Readiness {}

  /**
   * The replica should not receive traffic.
   *
   * @param reason for the operator, such as {@code draining}
   */
  record NotReady(String reason) implements Readiness {}
}
