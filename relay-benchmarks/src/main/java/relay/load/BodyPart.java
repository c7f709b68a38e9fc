package relay.load;

/** Receives an answer's body in parts, split anywhere. */
interface BodyPart {
  /** Ignores the body. */
  BodyPart IGNORED = (bytes, from, to) -> {};

  void see(byte[] bytes, int from, int to);
}
