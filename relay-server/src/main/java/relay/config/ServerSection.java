package relay.config;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import relay.config.ServerConfig.Auth;
import relay.config.ServerConfig.Client;
import relay.config.Value.Scalar;

/** Reads {@code server}. */
final class ServerSection {
  private static final ListenAddress DEFAULT_LISTEN = new ListenAddress("127.0.0.1", 8787);
  private static final ListenAddress DEFAULT_ADMIN_LISTEN = new ListenAddress("127.0.0.1", 9091);
  private static final int MAX_CLIENTS = 10_000;
  private static final int MAX_BODY_BYTES = 1 << 30;
  private static final int MAX_CONCURRENT = 1_000_000;
  private static final int MAX_TIMEOUT_MS = 86_400_000;
  private static final String AUTH_FORM =
      "give api_key or clients, or auth: none to let everyone in";

  private final Section server;
  private final Collection<String> providerNames;

  private ServerSection(Section server, Collection<String> providerNames) {
    this.server = server;
    this.providerNames = providerNames;
  }

  static ServerConfig read(Section server, Collection<String> providerNames) {
    return new ServerSection(server, providerNames).read();
  }

  private ServerConfig read() {
    ListenAddress listen = address("listen", DEFAULT_LISTEN);
    ListenAddress admin = address("admin_listen", DEFAULT_ADMIN_LISTEN);
    if (listen.collidesWith(admin)) {
      server
          .faults()
          .add(
              server.placeOf("admin_listen"),
              "collides with server.listen, the data plane's address",
              "give the admin plane a port of its own");
    }
    Value token = server.take("admin_token");
    Value auth = server.take("auth");
    if (auth == null && !listen.isLoopback()) {
      server
          .faults()
          .add(
              server.placeOf("listen"),
              "is reachable from other machines, and no client needs a credential",
              "give server.auth.api_key or server.auth.clients, or server.auth: none to let"
                  + " everyone in");
    }
    Value tls = server.take("tls");
    ServerConfig config =
        new ServerConfig(
            listen,
            admin,
            token == null ? null : optionalSecret(token),
            tls == null ? null : TlsSection.read(tls.section()),
            ScalarSettings.flag(server, "enable_http2", true),
            ScalarSettings.whole(server, "max_body_bytes", 32 * 1024 * 1024, 1, MAX_BODY_BYTES),
            ScalarSettings.whole(server, "max_concurrent", 0, 0, MAX_CONCURRENT),
            duration("connect_timeout_ms", 5_000, 1),
            duration("idle_timeout_ms", 300_000, 1),
            duration("drain_ms", 30_000, 0),
            auth == null ? new Auth.Open() : auth(auth));
    server.done();
    return config;
  }

  private ListenAddress address(String name, ListenAddress fallback) {
    Value value = server.take(name);
    ListenAddress address = value == null ? null : TextSettings.address(value);
    return address == null ? fallback : address;
  }

  private Duration duration(String name, int fallbackMs, int minMs) {
    return Duration.ofMillis(ScalarSettings.whole(server, name, fallbackMs, minMs, MAX_TIMEOUT_MS));
  }

  /** An empty text counts as absent, so a reference with an empty default disables the setting. */
  static @Nullable Secret optionalSecret(Value value) {
    Scalar scalar = value.text("a secret");
    return scalar == null || scalar.text().isEmpty() ? null : TextSettings.secret(value);
  }

  private Auth auth(Value value) {
    if (value.isScalar()) {
      Scalar word = value.scalar("none, or a mapping");
      if (word != null && !word.text().equals("none")) {
        value.fault("is not a way to authenticate", AUTH_FORM);
      }
      return new Auth.Open();
    }
    if (value.isNull()) {
      value.fault("has no value", AUTH_FORM);
      return new Auth.Open();
    }
    Section section = value.section();
    Clients clients = new Clients(section.faults());
    Value apiKey = section.take("api_key");
    if (apiKey != null) {
      Client.Bounds none = new Client.Bounds(List.of(), Set.of(), LimitsConfig.UNKNOWN, 0);
      clients.add("default", hash(apiKey), apiKey.place(), apiKey.place(), none);
    }
    Value list = section.take("clients");
    List<Value> entries = list == null ? null : list.list(MAX_CLIENTS, "a list of clients");
    if (entries != null) {
      entries.forEach(entry -> client(entry.section(), clients));
    }
    if (section.isEmpty() || (apiKey == null && entries != null && entries.isEmpty())) {
      value.fault("names no client", AUTH_FORM);
    }
    section.done();
    return new Auth.Clients(clients.found);
  }

  private void client(Section client, Clients clients) {
    Value name = client.need("name", "give " + TextSettings.NAME_FORM);
    Value key = client.take("key");
    Value keySha256 = client.take("key_sha256");
    KeyHash hash = key != null ? hash(key) : keySha256 != null ? stated(keySha256) : null;
    if (key == null && keySha256 == null) {
      client.missing("key", "give key or key_sha256");
    } else if (key != null && keySha256 != null) {
      keySha256.fault("conflicts with key", "give either key or key_sha256");
    }
    List<ModelPattern> models = TextSettings.list(client, "models", TextSettings::pattern);
    List<String> providers = TextSettings.list(client, "providers", this::provider);
    Client.Bounds bounds =
        new Client.Bounds(
            models, Set.copyOf(providers), PoolKeys.stated(client), PoolKeys.maxConcurrent(client));
    client.done();
    String read = name == null ? null : TextSettings.name(name);
    Place keyPlace = client.placeOf(key != null ? "key" : "key_sha256");
    clients.add(read, hash, client.placeOf("name"), keyPlace, bounds);
  }

  private @Nullable String provider(Value value) {
    Scalar scalar = value.text("the name of a provider");
    if (scalar == null) {
      return null;
    }
    if (!providerNames.contains(scalar.text())) {
      value.fault(
          scalar.shown() + " is not a provider",
          FaultWording.allowed(new TreeSet<>(providerNames)));
      return null;
    }
    return scalar.text();
  }

  private static @Nullable KeyHash hash(Value value) {
    Secret secret = TextSettings.secret(value);
    return secret == null ? null : secret.hash();
  }

  private static @Nullable KeyHash stated(Value value) {
    String allowed = "64 hexadecimal digits";
    Scalar scalar = value.text(allowed);
    if (scalar == null) {
      return null;
    }
    if (!scalar.text().matches("[0-9a-fA-F]{64}")) {
      value.refuse("is not a SHA-256", allowed);
      return null;
    }
    return KeyHash.ofHex(scalar.text());
  }

  /** Collects clients and checks that names and keys are unique. */
  private static final class Clients {
    private final List<Client> found = new ArrayList<>();
    private final Uniques<String> names;
    private final Uniques<KeyHash> keys;

    Clients(Faults faults) {
      names = new Uniques<>(faults, "the same name as", "give each client its own name");
      keys = new Uniques<>(faults, "the same credential as", "give each client its own credential");
    }

    void add(
        @Nullable String name,
        @Nullable KeyHash hash,
        Place namePlace,
        Place keyPlace,
        Client.Bounds bounds) {
      names.add(name, namePlace);
      keys.add(hash, keyPlace);
      if (name != null && hash != null) {
        found.add(new Client(name, hash, bounds));
      }
    }
  }
}
