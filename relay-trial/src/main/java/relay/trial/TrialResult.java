package relay.trial;

import java.time.Duration;
import java.util.List;
import relay.trial.load.LoadTally;
import relay.trial.load.RetryProbe;
import relay.trial.provider.Flow;

/**
 * What a run measured.
 *
 * @param steady how long the measured time was
 * @param before how long the load had run before it
 * @param window the limits' window
 * @param accounts by the provider's own log
 * @param provider429 429s of the provider, over the whole run
 * @param load what the clients saw, over the whole run
 * @param probes retries of a quiet pool at the time that a 429 named, and a slot before
 * @param loadFor how long the load ran
 * @param flow of the whole pool, over the steady time
 */
record TrialResult(
    Duration steady,
    Duration before,
    Duration window,
    List<AccountResult> accounts,
    long provider429,
    LoadTally.Counts load,
    RetryProbe.Outcome probes,
    Duration loadFor,
    Flow flow) {

  /** The share of the binding limit that small requests must use for the promise to hold. */
  static final double PROMISED_SHARE = 0.99;

  /**
   * One account over the steady time.
   *
   * @param requests used share of its limit, as for the others
   * @param admitted requests
   * @param longestPause the longest time without an admission
   */
  record AccountResult(
      String id,
      double requests,
      double input,
      double output,
      long admitted,
      Duration longestPause) {

    /** Used share of the binding limit: once one limit is full, no request fits. */
    double binding() {
      return Math.max(requests, Math.max(input, output));
    }
  }

  /** The least used of the accounts' binding limits. */
  double used() {
    return accounts.stream().mapToDouble(AccountResult::binding).min().orElse(0);
  }

  Duration longestPause() {
    return accounts.stream()
        .map(AccountResult::longestPause)
        .max(Duration::compareTo)
        .orElse(Duration.ZERO);
  }

  boolean capacityHolds() {
    return used() >= PROMISED_SHARE;
  }

  boolean providerHolds() {
    return provider429 == 0 && load.upstream429() == 0;
  }

  boolean retryAfterHolds() {
    return load.exact429() == load.relay429() && probes.holds();
  }

  boolean answersHold() {
    return load.errors() == 0;
  }

  /**
   * The load came late by more than a hundredth of the window: a full pool's burst lasts no longer.
   */
  boolean machineWasBusy() {
    return load.lateMs() > window.toMillis() / 100;
  }

  boolean promiseHolds() {
    return capacityHolds() && providerHolds() && retryAfterHolds() && answersHold();
  }
}
