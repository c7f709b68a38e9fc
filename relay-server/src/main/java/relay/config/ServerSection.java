package relay.config;

import java.time.Duration;
import java.util.Collection;
import org.jspecify.annotations.Nullable;
import relay.config.ServerConfig.Auth;
import relay.config.Value.Scalar;

/** Reads {@code server}. */
final class ServerSection {
  private static final ListenAddress DEFAULT_LISTEN = new ListenAddress("127.0.0.1", 8787);
  private static final ListenAddress DEFAULT_ADMIN_LISTEN = new ListenAddress("127.0.0.1", 9091);
  static final int MAX_BODY_BYTES = 1 << 30;
  static final int MAX_CONCURRENT = 1_000_000;
  static final int MAX_TIMEOUT_MS = 86_400_000;

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
    boolean http2 = ScalarSettings.flag(server, "enable_http2", false);
    int maxBody = ScalarSettings.whole(server, "max_body_bytes", 32 << 20, 1, MAX_BODY_BYTES);
    int maxUpload = ScalarSettings.whole(server, "max_upload_bytes", 0, 0, Integer.MAX_VALUE);
    ServerConfig config =
        new ServerConfig(
            listen,
            admin,
            token == null ? null : optionalSecret(token),
            tls == null ? null : TlsSection.read(tls.section()),
            http2,
            maxBody,
            maxUpload == 0 ? maxBody : maxUpload,
            ScalarSettings.whole(server, "max_concurrent", 0, 0, MAX_CONCURRENT),
            duration("connect_timeout_ms", 5_000, 1),
            duration("idle_timeout_ms", 300_000, 1),
            duration("drain_ms", 30_000, 0),
            auth == null ? new Auth.Open() : AuthSection.read(auth, providerNames));
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
    if (value.isLacking()) {
      return null;
    }
    Scalar scalar = value.text("a secret");
    return scalar == null || scalar.text().isEmpty() ? null : TextSettings.secret(value);
  }
}
