package relay.endtoend;

import io.lettuce.core.RedisClient;
import io.lettuce.core.api.sync.RedisCommands;
import java.time.Duration;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Figures from Redis's INFO command. */
final class RedisInfo implements AutoCloseable {
  private static final Pattern CPU = Pattern.compile("(?m)^used_cpu_(?:user|sys):([0-9.]+)");
  private static final Pattern CALLS =
      Pattern.compile("(?m)^cmdstat_(?!info|hello|client)([^:]+):calls=(\\d+)");
  private static final Pattern VERSION = Pattern.compile("(?m)^(redis|valkey)_version:(\\S+)");

  private final RedisClient client;
  private final RedisCommands<String, String> redis;

  RedisInfo(String url) {
    client = RedisClient.create(url);
    redis = client.connect().sync();
  }

  /** The processor time of Redis in microseconds. */
  double cpuMicros() {
    return CPU.matcher(redis.info("cpu"))
        .results()
        .mapToDouble(found -> 1e6 * Double.parseDouble(found.group(1)))
        .sum();
  }

  /** The commands run, including those inside functions, without those of this class. */
  long commands() {
    return calls().mapToLong(found -> Long.parseLong(found.group(2))).sum();
  }

  /** The function calls among the commands. */
  long functionCalls() {
    return calls()
        .filter(found -> found.group(1).equals("fcall"))
        .mapToLong(found -> Long.parseLong(found.group(2)))
        .sum();
  }

  private java.util.stream.Stream<MatchResult> calls() {
    return CALLS.matcher(redis.info("commandstats")).results();
  }

  String version() {
    return VERSION
        .matcher(redis.info("server"))
        .results()
        .reduce((first, last) -> last)
        .map(found -> found.group(1) + " " + found.group(2))
        .orElse("?");
  }

  void forgetAll() {
    redis.flushall();
  }

  @Override
  public void close() {
    client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
  }
}
