package relay.config;

import static relay.config.SchemaNode.section;
import static relay.config.SchemaNode.text;

import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
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

  static final SchemaNode FORM = section("The store that replicas share. Needs a restart");
  private static final String URL =
      FORM.declare(
          "url",
          text(RedisUrl.FORMS + "; absent = Relay starts a Redis for this one machine")
              .example(
                  "${REDIS_URL:-}",
                  "redis://localhost:6379",
                  "redis-sentinel://s1:26379,s2:26379/0#main"));
  private static final String PREFIX =
      FORM.declare(
          "prefix",
          text("Starts every key in Redis", TextSettings.PREFIX).fallback(DEFAULT_PREFIX));
  private static final Setting<Boolean> CLUSTER =
      FORM.flag("cluster", false, "true: the url's servers are nodes of a Redis Cluster");
  private static final String TLS = FORM.declare("tls", TlsSection.REDIS_FORM);
  private static final String USERNAME =
      FORM.declare("username", text("The user of password_file; absent = the default user"));
  private static final String PASSWORD =
      FORM.declare(
          "password_file",
          text("Holds the password; read again when it changes").example("/run/secrets/redis"));
  private static final Setting<Duration> TIMEOUT =
      FORM.time("timeout_ms", DEFAULT_TIMEOUT_MS, 1, MAX_TIMEOUT_MS, "Time for a call to Redis");
  private static final Setting<OnUnavailable> ON_UNAVAILABLE =
      FORM.choice(
          "on_unavailable",
          OnUnavailable.FAIR_SHARE,
          "While Redis does not answer: a share of the limits, refuse, or forward without"
              + " accounting");
  private static final Setting<Integer> REPLICAS =
      FORM.whole(
          "replicas",
          0,
          0,
          MAX_REPLICAS,
          "Of the whole fleet, for a start while Redis is away; 0 = unknown: the last known"
              + " number in folder, else 16");
  private static final String FOLDER =
      FORM.declare(
          "folder",
          text("Keeps the data of the embedded Redis, and the last known number of replicas;"
                  + " absent = nothing is kept")
              .example("/var/lib/relay"));

  private RedisSection() {}

  static RedisConfig read(Section redis) {
    Value urlValue = redis.take(URL);
    Value prefix = redis.take(PREFIX);
    String readPrefix = prefix == null ? null : TextSettings.prefix(prefix);
    boolean cluster = CLUSTER.in(redis);
    Value tlsValue = redis.take(TLS);
    OutboundTls tls = tlsValue == null ? null : TlsSection.outbound(tlsValue.section());
    Value username = redis.take(USERNAME);
    Value passwordFile = redis.take(PASSWORD);
    Value folderValue = redis.take(FOLDER);
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
          .add(
              redis.placeOf(CLUSTER.name()), "needs the Cluster's nodes", "give some in redis.url");
    }
    if (username != null && passwordFile == null) {
      redis.missing(PASSWORD, "redis.username needs it: " + PASSWORD_FILE);
    }
    RedisConfig config =
        new RedisConfig(
            url,
            cluster,
            readPrefix == null ? DEFAULT_PREFIX : readPrefix,
            tls,
            username == null ? null : unbroken(username, "a user name"),
            passwordFile == null
                ? null
                : FileSettings.checked(
                    passwordFile,
                    PASSWORD_FILE,
                    "a password",
                    MAX_PASSWORD_BYTES,
                    RedisSection::isPassword),
            TIMEOUT.in(redis),
            ON_UNAVAILABLE.in(redis),
            REPLICAS.in(redis),
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

  private static @Nullable String unbroken(Value value, String expected) {
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
