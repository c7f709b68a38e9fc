package relay.operate;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import relay.config.Config;
import relay.config.ProviderConfig;
import relay.config.ProviderConfig.Accounting;
import relay.config.RedisConfig;
import relay.config.RedisUrl;
import relay.config.ServerConfig;
import relay.config.ServerConfig.Auth;
import relay.config.ServerConfig.Client;

/** What a valid configuration makes a replica do, in a few lines: {@code relay check} shows it. */
final class ConfigOverview {
  private ConfigOverview() {}

  /** The numbers, in a line. */
  static String summary(Config config) {
    List<ProviderConfig> enabled = config.enabledProviders();
    int keys = enabled.stream().mapToInt(provider -> provider.keys().size()).sum();
    return count(enabled.size(), "provider") + ", " + count(keys, "key");
  }

  /** A line for each port, the store, the clients, and each enabled provider. */
  static List<String> lines(Config config) {
    List<String> lines = new ArrayList<>();
    ServerConfig server = config.server();
    lines.add(
        "listens on %s%s for %s, and on %s for operators"
            .formatted(
                server.listen(),
                server.tls() == null ? "" : " (TLS)",
                clients(server.auth()),
                server.adminListen()));
    lines.add(store(config.redis()));
    for (ProviderConfig provider : config.enabledProviders()) {
      lines.add(
          "%s: %s of %s; %s; accounting %s"
              .formatted(
                  provider.name(),
                  count(provider.keys().size(), "key"),
                  accounts(provider),
                  limits(provider),
                  rule(provider.pooling().accounting())));
    }
    return lines;
  }

  private static String clients(Auth auth) {
    return switch (auth) {
      case Auth.Open() -> "everybody, without a credential";
      case Auth.Clients(List<Client> clients) -> count(clients.size(), "client");
    };
  }

  private static String store(RedisConfig redis) {
    RedisUrl url = redis.url();
    if (url == null) {
      return "keeps its state in an embedded Redis, "
          + (redis.folder() == null ? "until it stops" : "in " + redis.folder());
    }
    return "keeps its state in Redis at %s, below %s; while that is away: on_unavailable %s"
        .formatted(
            String.join(", ", url.servers().stream().map(RedisUrl.Server::toString).toList()),
            redis.prefix(),
            word(redis.onUnavailable()));
  }

  private static String accounts(ProviderConfig provider) {
    long accounts = provider.keys().stream().map(key -> key.account()).distinct().count();
    return count((int) accounts, "account");
  }

  private static String limits(ProviderConfig provider) {
    long stated = provider.groups().stream().filter(group -> group.limits().areKnown()).count();
    if (stated == provider.groups().size()) {
      return "limits stated";
    }
    boolean learns = Doubts.tellsLimits(provider);
    return stated == 0
        ? learns ? "limits from answers" : "no limits"
        : "limits stated, or else " + (learns ? "from answers" : "none");
  }

  private static String rule(Accounting accounting) {
    return accounting == Accounting.AUTO
        ? "auto (sliding_window until answers prove token_bucket)"
        : word(accounting);
  }

  private static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  private static String count(int number, String what) {
    return number + " " + what + (number == 1 ? "" : "s");
  }
}
