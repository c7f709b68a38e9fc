package relay.load;

/** Sees an answer's body as it comes, cut anywhere. */
interface BodyPart {
  /** A connection whose bodies nobody looks at. */
  BodyPart IGNORED = (bytes, from, to) -> {};

  void see(byte[] bytes, int from, int to);
}
