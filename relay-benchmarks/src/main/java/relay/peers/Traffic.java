package relay.peers;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import relay.trial.load.ArrivalTimes;
import relay.trial.provider.ProviderSimulator.Account;
import relay.trial.provider.ProviderSimulator.Enforcement;
import relay.trial.provider.ProviderSimulator.Settings;

/** The demand, and how the provider enforces its limits. */
enum Traffic {
  /** A bucket of one minute. */
  REQUESTS(Enforcement.TOKEN_BUCKET, 1),
  /** The same, and refused requests count. */
  REFUSED_COUNT(Enforcement.COUNTING_BUCKET, 1),
  /** A bucket of ten seconds. */
  TEN_SECONDS(Enforcement.TOKEN_BUCKET, 1.0 / 6),
  /** A bucket of one minute, which has room for all. */
  BURSTS(Enforcement.TOKEN_BUCKET, 1);

  static final Duration WINDOW = Duration.ofMinutes(1);

  private static final int EVENTS = 8;
  private static final double OVERLOAD = 1.6;
  private static final double BURSTS_SHARE = 0.83;
  private static final Duration BURST = Duration.ofSeconds(14);
  private static final Duration PERIOD = Duration.ofSeconds(47);

  private final Enforcement enforcement;
  private final double capacityRatio;

  Traffic(Enforcement enforcement, double capacityRatio) {
    this.enforcement = enforcement;
    this.capacityRatio = capacityRatio;
  }

  /** By its name in lower case, with hyphens. */
  static Traffic named(String name) {
    return Arrays.stream(values())
        .filter(traffic -> traffic.name().replace('_', '-').toLowerCase(Locale.ROOT).equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no traffic is named " + name));
  }

  /** The provider, on any free port. */
  Settings provider(List<Account> accounts) {
    return new Settings(accounts, WINDOW, capacityRatio, enforcement, 0, EVENTS);
  }

  /** The demand on accounts of this capacity. */
  ArrivalTimes arrivals(double perSecond) {
    if (this == BURSTS) {
      double share = BURSTS_SHARE * PERIOD.toNanos() / BURST.toNanos();
      return ArrivalTimes.bursts(share * perSecond, BURST, PERIOD);
    }
    return ArrivalTimes.steady(OVERLOAD * perSecond);
  }
}
