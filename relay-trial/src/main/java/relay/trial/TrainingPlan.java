package relay.trial;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import relay.trial.load.RequestBytes;
import relay.trial.provider.ProviderSimulator;
import relay.trial.provider.ProviderSimulator.Account;
import relay.trial.provider.ProviderSimulator.Settings;

/**
 * The requests of the training: both dialects, small and large, whole and streamed, to providers of
 * each protocol.
 */
final class TrainingPlan {
  static final String API_KEY = "training-client-key";

  private static final List<String> TYPES = List.of("anthropic", "openai");
  private static final int ACCOUNTS = 4;
  private static final long NEVER_BINDS = 100_000_000;
  private static final int OUTPUT_TOKENS = 200;

  /** In tokens of four bytes: the bodies have 2 KB and 50 KB. */
  private static final int SMALL = 512;

  private static final int LARGE = 12_800;

  /** One request in 8 is large. */
  private static final int LARGE_EVERY = 8;

  private static final int ROUND = 4;

  /** How a provider is reached. */
  private enum Wire {
    PLAIN,
    TLS,
    HTTP2
  }

  /** Most providers are reached by HTTP/1.1 over TLS. */
  private static final List<Wire> MIX = List.of(Wire.TLS, Wire.HTTP2, Wire.TLS, Wire.PLAIN);

  private TrainingPlan() {}

  /** The provider's accounts, with limits that are counted and never reached. */
  static Settings provider() {
    List<Account> accounts = new ArrayList<>();
    for (int i = 0; i < ACCOUNTS; i++) {
      accounts.add(
          new Account(
              "account-" + i, List.of(secret(i)), NEVER_BINDS, NEVER_BINDS, NEVER_BINDS, 0));
    }
    return Settings.of(Duration.ofMinutes(1), accounts.toArray(new Account[0]));
  }

  /** The providers that are to be offered HTTP/2. */
  static List<String> http2Providers() {
    return TYPES.stream().map(type -> provider(type, Wire.HTTP2)).toList();
  }

  /** A provider's name; it serves one model of the same name. */
  private static String provider(String type, Wire wire) {
    return type + "-" + wire.name().toLowerCase(Locale.ROOT);
  }

  /** A replica's configuration: pools of each dialect, all other settings at their defaults. */
  static String yaml(
      int port, int adminPort, String redisUrl, ProviderSimulator provider, Path authority) {
    StringBuilder yaml = new StringBuilder(TrialConfig.head(port, adminPort, API_KEY, redisUrl));
    for (String type : TYPES) {
      for (Wire wire : Wire.values()) {
        pool(yaml, type, wire, provider, authority);
      }
    }
    return yaml.toString();
  }

  private static void pool(
      StringBuilder yaml, String type, Wire wire, ProviderSimulator provider, Path authority) {
    boolean tls = wire != Wire.PLAIN;
    yaml.append(
        String.format(
            Locale.ROOT,
            """
              - name: %1$s
                type: %2$s
                base_url: %3$s
                models: [%1$s]
            %4$s    keys:
            """,
            provider(type, wire),
            type,
            tls ? provider.secureUrl() : provider.url(),
            tls ? "    tls: { ca: " + authority + " }\n" : ""));
    for (int i = 0; i < ACCOUNTS; i++) {
      yaml.append(
          String.format(
              Locale.ROOT,
              "      - { key: %s, rpm_limit: %d, itpm_limit: %d, otpm_limit: %d }%n",
              secret(i),
              NEVER_BINDS,
              NEVER_BINDS,
              NEVER_BINDS));
    }
  }

  /** Whole HTTP requests, sent in turn. */
  static List<byte[]> requests() {
    List<byte[]> requests = new ArrayList<>();
    for (int i = 0; i < ROUND * LARGE_EVERY; i++) {
      int tokens = i / ROUND % LARGE_EVERY == 0 ? LARGE : SMALL;
      boolean stream = i % 2 == 1;
      for (Wire wire : MIX) {
        requests.add(
            i % ROUND < 2
                ? RequestBytes.messages(
                    API_KEY, provider("anthropic", wire), tokens, OUTPUT_TOKENS, stream)
                : RequestBytes.chat(
                    API_KEY, provider("openai", wire), tokens, OUTPUT_TOKENS, stream));
      }
    }
    return requests;
  }

  private static String secret(int account) {
    return "simulated-key-" + account;
  }
}
