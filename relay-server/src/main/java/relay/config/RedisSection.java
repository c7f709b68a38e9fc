package relay.config;

import java.time.Duration;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import relay.config.RedisConfig.OnUnavailable;
import relay.config.Value.Scalar;

/** Reads {@code redis}. */
final class RedisSection {
  private static final String DEFAULT_PREFIX = "relay";
  static final int MAX_TIMEOUT_MS = 60_000;

  private RedisSection() {}

  static RedisConfig read(Section redis) {
    Value url = redis.take("url");
    Value prefix = redis.take("prefix");
    String readPrefix = prefix == null ? null : TextSettings.prefix(prefix);
    if (ScalarSettings.flag(redis, "cluster", false)) {
      redis.faults().notSupported(redis.placeOf("cluster"), "`cluster: true`");
    }
    RedisConfig config =
        new RedisConfig(
            url == null ? null : url(url),
            readPrefix == null ? DEFAULT_PREFIX : readPrefix,
            Duration.ofMillis(ScalarSettings.whole(redis, "timeout_ms", 100, 1, MAX_TIMEOUT_MS)),
            ScalarSettings.choice(redis, "on_unavailable", OnUnavailable.FAIR_SHARE, Set.of()));
    redis.done();
    return config;
  }

  /** Null after a fault or for an empty text. Empty means absent: use the embedded Redis. */
  private static @Nullable RedisUrl url(Value value) {
    Scalar scalar = value.text(RedisUrl.FORMS);
    if (scalar == null || scalar.text().isEmpty()) {
      return null;
    }
    String text = scalar.text();
    if (text.startsWith("redis-sentinel://")) {
      value.faults().notSupported(value.place(), "a redis-sentinel:// URL");
      return null;
    }
    if (text.chars().anyMatch(Character::isISOControl)) {
      value.refuse("holds a control character, such as a line break", RedisUrl.FORMS);
      return null;
    }
    RedisUrl url = RedisUrl.parse(text);
    if (url == null) {
      value.refuse("is not a Redis URL", RedisUrl.FORMS);
    }
    return url;
  }
}
