package relay.attack;

/** One attack. It is repeated until the run ends. */
interface Part {
  /** What it does, for the page. */
  String what();

  /** Attacks once. */
  void attack(Target target) throws Exception;
}
