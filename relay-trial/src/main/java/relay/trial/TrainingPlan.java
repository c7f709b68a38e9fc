package relay.trial;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import relay.trial.load.RequestBytes;
import relay.trial.provider.ProviderSimulator.Account;
import relay.trial.provider.ProviderSimulator.Settings;

/** The requests of the training: both dialects, small and large, whole and streamed. */
final class TrainingPlan {
  static final String API_KEY = "training-client-key";

  private static final int ACCOUNTS = 4;
  private static final long NEVER_BINDS = 100_000_000;
  private static final int OUTPUT_TOKENS = 200;

  /** In tokens of four bytes: the bodies have 2 KB and 50 KB. */
  private static final int SMALL = 512;

  private static final int LARGE = 12_800;

  /** One request in 8 is large. */
  private static final int LARGE_EVERY = 8;

  private static final int ROUND = 4;

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

  /** A replica's configuration: a pool of each dialect, all other settings at their defaults. */
  static String yaml(int port, int adminPort, String redisUrl, String providerUrl) {
    StringBuilder yaml = new StringBuilder(TrialConfig.head(port, adminPort, API_KEY, redisUrl));
    for (String type : List.of("anthropic", "openai")) {
      yaml.append(
          String.format(
              Locale.ROOT,
              """
                - name: %1$s
                  type: %1$s
                  base_url: %2$s
                  models: [%3$s]
                  keys:
              """,
              type,
              providerUrl,
              type.equals("openai") ? RequestBytes.CHAT_MODEL : RequestBytes.MESSAGES_MODEL));
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
    return yaml.toString();
  }

  /** Whole HTTP requests, sent in turn. */
  static List<byte[]> requests() {
    List<byte[]> requests = new ArrayList<>();
    for (int i = 0; i < ROUND * LARGE_EVERY; i++) {
      int tokens = i / ROUND % LARGE_EVERY == 0 ? LARGE : SMALL;
      boolean stream = i % 2 == 1;
      requests.add(
          i % ROUND < 2
              ? RequestBytes.messages(API_KEY, tokens, OUTPUT_TOKENS, stream)
              : RequestBytes.chat(API_KEY, tokens, OUTPUT_TOKENS, stream));
    }
    return requests;
  }

  private static String secret(int account) {
    return "simulated-key-" + account;
  }
}
