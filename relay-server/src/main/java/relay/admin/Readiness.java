package relay.admin;

/** Whether a replica should get traffic. */
public sealed interface Readiness {

  /** It should. */
  record Ready() implements Readiness {}

  /**
   * It should not.
   *
   * @param reason why, for the one who looks: {@code draining}
   */
  record NotReady(String reason) implements Readiness {}
}
