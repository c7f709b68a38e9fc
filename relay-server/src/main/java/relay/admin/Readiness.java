package relay.admin;

/** Whether a replica should receive traffic. */
public sealed interface Readiness {

  /**
   * The replica should receive traffic.
   *
   * @param remark what the operator should know, such as {@code Redis is slow}; mostly empty
   */
  record Ready(String remark) implements Readiness {
    /** Without a remark. */
    public Ready() {
      this("");
    }
  }

  /**
   * The replica should not receive traffic.
   *
   * @param reason for the operator, such as {@code draining}
   */
  record NotReady(String reason) implements Readiness {}
}
