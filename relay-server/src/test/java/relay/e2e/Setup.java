package relay.e2e;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import okhttp3.tls.HeldCertificate;
import org.jspecify.annotations.Nullable;
import relay.embedded.EmbeddedRedis;
import relay.embedded.LoopbackPorts;
import relay.model.Dialect;

/** A builder of the replicas' configuration. */
final class Setup {
  /** The setting of a provider that serves any model. */
  static final String ANY_MODEL = "# any model";

  private final List<String> server = new ArrayList<>();
  private final List<String> redis = new ArrayList<>();
  private final List<String> routing = new ArrayList<>();
  private final List<String> providers = new ArrayList<>();
  private final List<String> jvm = new ArrayList<>();
  private final List<String> http2 = new ArrayList<>(); // providers to which it is offered
  private final List<String> environment = new ArrayList<>();
  private String auth = "    api_key: " + Ask.CLIENT_KEY + "\n";
  private String level = "info";
  private String log = "format: text, requests: false"; // few lines, for the tests that read them
  private String prices = "";
  private boolean ownRedis;
  private @Nullable EmbeddedRedis shared;

  /** A line of the server section. */
  Setup server(String line) {
    server.add(line);
    return this;
  }

  /** Clients may use HTTP/2. */
  Setup http2() {
    return server("enable_http2: true");
  }

  /** Clients use TLS. The files are written to the directory. */
  Setup tls(Path directory, HeldCertificate its) throws IOException {
    Path chain = directory.resolve("chain.pem");
    Path key = directory.resolve("key.pem");
    Files.writeString(chain, its.certificatePem());
    Files.writeString(key, its.privateKeyPkcs8Pem());
    return server("tls: { certificate: " + chain + ", private_key: " + key + " }");
  }

  /** A line of the redis section. */
  Setup redis(String line) {
    redis.add(line);
    return this;
  }

  /** A line of the routing section. */
  Setup routing(String line) {
    routing.add(line);
    return this;
  }

  /**
   * Adds a client to the default one.
   *
   * @param settings YAML settings, such as {@code rpm_limit: 5}
   */
  Setup client(String name, String... settings) {
    String client = "name: " + name + ", key: " + clientKey(name);
    String all = settings.length == 0 ? client : client + ", " + String.join(", ", settings);
    return clientYaml("{ " + all + " }");
  }

  /** The prices of models, as a list of YAML. */
  Setup prices(String list) {
    prices = "prices: " + list + "\n";
    return this;
  }

  /** A client as a mapping of YAML. */
  Setup clientYaml(String client) {
    if (!auth.contains("clients:")) {
      auth += "    clients:\n";
    }
    auth += "      - " + client + "\n";
    return this;
  }

  /** A client's credential. */
  static String clientKey(String name) {
    return "client-secret-of-" + name;
  }

  /** Adds an option of the replicas' JVM. */
  Setup jvm(String option) {
    jvm.add(option);
    return this;
  }

  /** Adds an environment variable of the replicas, as {@code NAME=value}. */
  Setup environment(String variable) {
    environment.add(variable);
    return this;
  }

  Setup logLevel(String name) {
    level = name;
    return this;
  }

  /** The settings of the log but its level, as a mapping of YAML without braces. */
  Setup log(String settings) {
    log = settings;
    return this;
  }

  /** Each replica starts an embedded Redis. */
  Setup withoutRedisUrl() {
    ownRedis = true;
    return this;
  }

  /** Uses a shared Redis and leaves it running. */
  Setup on(EmbeddedRedis redisOfOthers) {
    shared = redisOfOthers;
    return this;
  }

  @Nullable EmbeddedRedis sharedRedis() {
    return shared;
  }

  /**
   * Adds a provider that serves one model of the provider's name.
   *
   * @param settings further lines, indented relative to the provider's entry
   * @param keys YAML mappings
   */
  Setup provider(
      String name, Dialect dialect, String url, List<String> settings, List<String> keys) {
    StringBuilder yaml = new StringBuilder();
    yaml.append("  - name: ").append(name).append('\n');
    yaml.append("    type: ").append(dialect.name().toLowerCase(Locale.ROOT)).append('\n');
    yaml.append("    base_url: ").append(url).append('\n');
    if (settings.stream().noneMatch(l -> l.startsWith("models:") || l.equals(ANY_MODEL))) {
      yaml.append("    models: [").append(name).append("]\n");
    }
    if (settings.stream().noneMatch(line -> line.startsWith("pooling:"))) {
      // Most tests repeat the same message and expect it on different keys.
      yaml.append("    pooling: { affinity: none }\n");
    }
    settings.forEach(line -> yaml.append("    ").append(line).append('\n'));
    yaml.append("    keys:\n");
    keys.forEach(key -> yaml.append("      - ").append(key).append('\n'));
    providers.add(yaml.toString());
    return this;
  }

  /** Adds a provider as YAML, indented as an entry of {@code providers}. */
  Setup provider(String yaml) {
    providers.add(yaml.indent(2));
    return this;
  }

  Setup provider(String name, Dialect dialect, String url, String... keys) {
    return provider(name, dialect, url, List.of(), List.of(keys));
  }

  /** Adds a provider of a test: with what its protocol needs. */
  Setup provider(String name, Dialect dialect, RawProvider provider, String... keys) {
    return provider(name, dialect, provider, List.of(), List.of(keys));
  }

  /** The same with further settings. */
  Setup provider(
      String name,
      Dialect dialect,
      RawProvider provider,
      List<String> settings,
      List<String> keys) {
    return provider(name, dialect, provider.wire(), provider.url(), settings, keys);
  }

  /** The same at a URL of its own. */
  Setup provider(
      String name,
      Dialect dialect,
      ProviderWire wire,
      String url,
      List<String> settings,
      List<String> keys) {
    if (wire == ProviderWire.TLS_H2) {
      http2.add(name);
    }
    List<String> all = new ArrayList<>(wire.settings());
    all.addAll(settings);
    return provider(name, dialect, url, all, keys);
  }

  /** The secret of a key. */
  static String secret(String keyId) {
    return "provider-secret-" + keyId;
  }

  /** A key with its secret and further settings, such as {@code rpm_limit: 5}; may be empty. */
  static String key(String id, String... more) {
    String key = "{ key: " + secret(id) + ", id: " + id;
    String settings = String.join(", ", more);
    return settings.isEmpty() ? key + " }" : key + ", " + settings + " }";
  }

  List<String> jvmOptions() {
    List<String> options = new ArrayList<>(jvm);
    if (!http2.isEmpty()) {
      options.add("-Drelay.provider_http2=" + String.join(",", http2));
    }
    return options;
  }

  List<String> environment() {
    return List.copyOf(environment);
  }

  boolean hasOwnRedis() {
    return ownRedis;
  }

  String yaml(int port, int adminPort, String redisUrl) {
    StringBuilder yaml = new StringBuilder();
    yaml.append("server:\n  listen: 127.0.0.1:").append(port);
    yaml.append("\n  admin_listen: 127.0.0.1:").append(adminPort).append('\n');
    server.forEach(line -> yaml.append("  ").append(line).append('\n'));
    yaml.append("  auth:\n").append(auth);
    yaml.append("redis:\n");
    if (!ownRedis) {
      yaml.append("  url: ").append(redisUrl).append('\n');
    }
    if (redis.stream().noneMatch(line -> line.startsWith("timeout_ms:"))) {
      // A cold JVM on a busy machine may be slow; that must not count as an outage.
      yaml.append("  timeout_ms: 2000\n");
    }
    redis.forEach(line -> yaml.append("  ").append(line).append('\n'));
    yaml.append("providers:\n");
    providers.forEach(yaml::append);
    yaml.append("routing:\n");
    routing.forEach(line -> yaml.append("  ").append(line).append('\n'));
    yaml.append(prices);
    yaml.append("logging: { level: %s, %s }\n".formatted(level, log));
    return yaml.toString();
  }

  Replicas start(int count) throws Exception {
    return Replicas.start(this, count);
  }

  /** A URL that refuses connections. */
  static String nowhere() throws IOException {
    return "http://127.0.0.1:" + LoopbackPorts.free();
  }
}
