package relay.config;

import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import relay.config.RedisConfig.OnUnavailable;
import relay.config.Value.Scalar;

/** Reads {@code redis}. */
final class RedisSection {
  static final String DEFAULT_PREFIX = "relay";
  static final int DEFAULT_TIMEOUT_MS = 100;
  static final int MAX_TIMEOUT_MS = 60_000;
  static final int MAX_REPLICAS = 10_000;
  private static final int MAX_PASSWORD_BYTES = 64 * 1024;
  private static final String PASSWORD_FILE = "a file that holds nothing but the password";

  private RedisSection() {}

  static RedisConfig read(Section redis) {
    Value urlValue = redis.take("url");
    Value prefix = redis.take("prefix");
    String readPrefix = prefix == null ? null : TextSettings.prefix(prefix);
    boolean cluster = ScalarSettings.flag(redis, "cluster", false);
    Value tlsValue = redis.take("tls");
    OutboundTls tls = tlsValue == null ? null : TlsSection.outbound(tlsValue.section());
    Value username = redis.take("username");
    Value passwordFile = redis.take("password_file");
    Value folderValue = redis.take("folder");
    RedisUrl url = urlValue == null ? null : url(urlValue);
    if (url != null && urlValue != null) {
      checkForm(urlValue, url, cluster);
      if (tlsValue != null && !url.tls() && url.master() == null) {
        tlsValue.fault("needs TLS, and redis.url has none", "write rediss:// in redis.url");
      }
      if (url.password() != null && (username != null || passwordFile != null)) {
        urlValue.fault(
            "has a password beside redis.username or redis.password_file", "keep one of them");
      }
    } else if (cluster && urlValue == null) {
      redis
          .faults()
          .add(redis.placeOf("cluster"), "needs the Cluster's nodes", "give some in redis.url");
    }
    if (username != null && passwordFile == null) {
      redis.missing("password_file", "redis.username needs it: " + PASSWORD_FILE);
    }
    RedisConfig config =
        new RedisConfig(
            url,
            cluster,
            readPrefix == null ? DEFAULT_PREFIX : readPrefix,
            tls,
            username == null ? null : text(username, "a user name"),
            passwordFile == null
                ? null
                : FileSettings.checked(
                    passwordFile,
                    PASSWORD_FILE,
                    "a password",
                    MAX_PASSWORD_BYTES,
                    RedisSection::isPassword),
            Duration.ofMillis(
                ScalarSettings.whole(redis, "timeout_ms", DEFAULT_TIMEOUT_MS, 1, MAX_TIMEOUT_MS)),
            ScalarSettings.choice(redis, "on_unavailable", OnUnavailable.FAIR_SHARE, Set.of()),
            ScalarSettings.whole(redis, "replicas", 0, 0, MAX_REPLICAS),
            folderValue == null ? null : folder(folderValue));
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

  private static void checkForm(Value value, RedisUrl url, boolean cluster) {
    if (cluster && url.master() != null) {
      value.fault("names sentinels, and redis.cluster is true", "a Cluster has no sentinels");
    } else if (cluster && url.database() != 0) {
      value.fault("names a database, and a Cluster has only 0", "leave it out");
    } else if (!cluster && url.master() == null && url.servers().size() > 1) {
      value.fault(
          "names several servers", "set redis.cluster: true if they are nodes of a Redis Cluster");
    }
  }

  private static @Nullable String text(Value value, String expected) {
    Scalar scalar = value.text(expected);
    if (scalar != null
        && (scalar.text().isEmpty() || scalar.text().chars().anyMatch(c -> c <= ' '))) {
      value.refuse("is not " + expected, "a text without blanks");
      return null;
    }
    return scalar == null ? null : scalar.text();
  }

  private static @Nullable Path folder(Value value) {
    Scalar scalar = value.text("a folder");
    if (scalar == null || scalar.text().isEmpty()) { // empty means absent
      return null;
    }
    try {
      if (!scalar.text().isBlank()) {
        return value.resolved(scalar.text());
      }
    } catch (InvalidPathException e) {
      // refused below, as an empty one
    }
    value.refuse("is not a folder", "the path of a folder, which Relay makes if it is missing");
    return null;
  }

  private static boolean isPassword(byte[] bytes) {
    String password = new String(bytes, StandardCharsets.UTF_8).stripTrailing();
    return !password.isEmpty() && password.chars().noneMatch(Character::isISOControl);
  }
}
