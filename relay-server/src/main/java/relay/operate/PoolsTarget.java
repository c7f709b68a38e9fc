package relay.operate;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import relay.cli.Operands;
import relay.config.RedisConfig;
import relay.config.RedisUrl;

/** A replica, or the Redis at {@code --redis}, else at {@code RELAY_REDIS_URL}. */
final class PoolsTarget implements CommandTarget<PoolsAccess> {
  private static final String ADDRESS = "RELAY_REDIS_URL";

  private final AdminTarget admin = new AdminTarget();
  private final OptionSpec redis =
      Operands.option(
          "--redis",
          "URL",
          "Use this Redis, without a replica or a config; or "
              + ADDRESS
              + ". Nodes of a Cluster between commas");
  private final OptionSpec prefix =
      Operands.option("--prefix", "PREFIX", "Its redis.prefix. Default: relay");

  @Override
  public void addTo(CommandSpec spec) {
    admin.addTo(spec);
    spec.addOption(redis).addOption(prefix);
  }

  @Override
  public @Nullable PoolsAccess named(Map<String, String> environment) throws OperationFailed {
    String option = redis.getValue();
    if (option != null && admin.isGiven()) {
      throw OperationFailed.badUsage("--admin and --redis name two targets; give one of them");
    }
    AdminAccess replica = option == null ? admin.named(environment) : null;
    if (replica != null) {
      return replica;
    }
    String url = option == null ? environment.getOrDefault(ADDRESS, "").strip() : option;
    if (!url.isEmpty()) {
      return redis(url, prefix.getValue(), option == null ? ADDRESS : "--redis");
    }
    if (prefix.getValue() != null) {
      throw OperationFailed.badUsage("--prefix needs --redis, or " + ADDRESS);
    }
    return null;
  }

  /** What the URL holds may be a password, so no message has it. */
  private static PoolsAccess redis(String url, @Nullable String prefix, String source)
      throws OperationFailed {
    RedisConfig config =
        RedisConfig.at(url, prefix)
            .orElseThrow(
                () ->
                    OperationFailed.badUsage(
                        "--redis and %s take %s; and --prefix letters, digits and . _ : @ + -"
                            .formatted(ADDRESS, RedisUrl.FORMS)));
    return RedisAccess.at(config, source);
  }

  @Override
  public PoolsAccess here(Map<String, String> environment) throws OperationFailed {
    return admin.here(environment);
  }
}
