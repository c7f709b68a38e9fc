package relay.trial;

import java.time.Duration;
import java.util.List;
import relay.trial.provider.ProviderSimulator.Account;

/**
 * The numbers of a trial run.
 *
 * @param window the limits' window
 * @param accounts one key each
 * @param overload arrivals over what the pool can carry
 * @param overloadAtFirst the same in the first window. It is lower: an idle pool takes a burst at
 *     once, and that capacity comes free at once a window later, when enough requests must be there
 *     to use it
 * @param inputTokens mean input of a request; the largest is one and a half of it
 * @param outputTokens output of each request
 * @param probes rounds of the retry-after probe
 * @param afterFull windows from a full pool to the measured ones
 * @param measured windows
 */
record TrialPlan(
    Duration window,
    List<Account> accounts,
    double overload,
    double overloadAtFirst,
    int inputTokens,
    int outputTokens,
    int probes,
    int afterFull,
    int measured) {
  static final String POOL = "trial";
  private static final double OVERLOAD = 1.6;

  TrialPlan {
    accounts = List.copyOf(accounts);
  }

  /** Windows of 5 s: so short that a run sees several. */
  static TrialPlan standard() {
    return of(Duration.ofSeconds(5), 1.15, 5, 2, 3);
  }

  /**
   * Windows of a minute, as providers have; {@code minutes} of them are measured. The demand is
   * steady from the start; what the idle pool took at once has been paid back when they begin.
   */
  static TrialPlan ofMinutes(int minutes) {
    return of(Duration.ofMinutes(1), OVERLOAD, 2, 3, minutes);
  }

  /**
   * Requests bind two of the accounts, input tokens the other two; the largest request is 0.35 % of
   * a limit.
   */
  private static TrialPlan of(
      Duration window, double overloadAtFirst, int probes, int afterFull, int measured) {
    return new TrialPlan(
        window,
        List.of(
            account("acme", 500, 200_000),
            account("globex", 500, 200_000),
            account("initech", 600, 130_000),
            account("umbrella", 600, 130_000)),
        OVERLOAD,
        overloadAtFirst,
        300,
        40,
        probes,
        afterFull,
        measured);
  }

  /** The pool's capacity in requests per second. */
  double capacityPerSecond() {
    double perWindow =
        accounts.stream()
            .mapToDouble(
                account ->
                    Math.min(
                        (double) account.rpm(),
                        Math.min(
                            (double) account.itpm() / inputTokens,
                            (double) account.otpm() / outputTokens)))
            .sum();
    return perWindow * 1e9 / window.toNanos();
  }

  /** Input of a probe's request: a tenth of the smallest limit. */
  int probeInputTokens() {
    return (int) (accounts.stream().mapToLong(Account::itpm).min().orElseThrow() / 10);
  }

  private static Account account(String id, long rpm, long itpm) {
    return new Account(id, List.of("simulated-key-of-" + id), rpm, itpm, 40_000, 0);
  }
}
