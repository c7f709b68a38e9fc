package relay.redis.simulation;

/**
 * A simulation's result.
 *
 * @param used share of the limit that the provider served
 * @param sent requests that reached the provider
 * @param refused how many of them it refused
 * @param refusedLater refused requests after the first minutes
 * @param pause longest time without a served request, in microseconds
 */
record Outcome(double used, long sent, long refused, long refusedLater, long pause) {
  long perMillion() {
    return sent == 0 ? 0 : Math.round(1e6 * refused / sent);
  }

  double pauseSeconds() {
    return pause / 1e6;
  }
}
