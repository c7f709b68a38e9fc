package relay.config;

import static relay.config.SchemaNode.section;
import static relay.config.SchemaNode.text;

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

  static final SchemaNode FORM = section("This replica");
  private static final String LISTEN =
      FORM.declare(
          "listen",
          text("Address for clients; 0.0.0.0:8787 for all interfaces. Needs a restart")
              .fallback(DEFAULT_LISTEN.toString())
              .example("0.0.0.0:8787"));
  private static final String ADMIN_LISTEN =
      FORM.declare(
          "admin_listen",
          text("Address for operators: health, metrics, pools. Needs a restart")
              .fallback(DEFAULT_ADMIN_LISTEN.toString()));
  private static final String ADMIN_TOKEN =
      FORM.declare(
          "admin_token",
          text("What operators show as `Authorization: Bearer`. Needed beyond loopback")
              .example("${RELAY_ADMIN_TOKEN:-}"));
  private static final String TLS = FORM.declare("tls", TlsSection.SERVER_FORM);
  private static final Setting<Boolean> HTTP2 =
      FORM.flag("enable_http2", false, "HTTP/2 beside HTTP/1.1. Needs a restart");
  private static final Setting<Integer> MAX_BODY =
      FORM.whole("max_body_bytes", 32 << 20, 1, MAX_BODY_BYTES, "Largest request body");
  private static final Setting<Integer> MAX_UPLOAD =
      FORM.whole(
          "max_upload_bytes",
          0,
          0,
          Integer.MAX_VALUE,
          "Largest body of a passthrough request, which is not held; 0 = max_body_bytes");
  private static final Setting<Integer> MOST_REQUESTS =
      FORM.whole(
          "max_concurrent",
          0,
          0,
          MAX_CONCURRENT,
          "Requests at once in this replica; 0 = no bound but memory");
  private static final Setting<Duration> CONNECT_TIMEOUT =
      FORM.time(
          "connect_timeout_ms",
          5_000,
          1,
          MAX_TIMEOUT_MS,
          "Time to connect to a provider, TLS included");
  private static final Setting<Duration> IDLE_TIMEOUT =
      FORM.time(
          "idle_timeout_ms",
          300_000,
          1,
          MAX_TIMEOUT_MS,
          "Longest silence of a provider; a whole stream may take longer");
  private static final Setting<Duration> DRAIN =
      FORM.time(
          "drain_ms",
          30_000,
          0,
          MAX_TIMEOUT_MS,
          "How long running requests may go on after SIGTERM");
  private static final String AUTH = FORM.declare("auth", AuthSection.form());

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
    ListenAddress listen = address(LISTEN, DEFAULT_LISTEN);
    ListenAddress admin = address(ADMIN_LISTEN, DEFAULT_ADMIN_LISTEN);
    if (listen.collidesWith(admin)) {
      server
          .faults()
          .add(
              server.placeOf(ADMIN_LISTEN),
              "collides with server.listen, the data plane's address",
              "give the admin plane a port of its own");
    }
    Value token = server.take(ADMIN_TOKEN);
    Value auth = server.take(AUTH);
    if (auth == null && !listen.isLoopback()) {
      server
          .faults()
          .add(
              server.placeOf(LISTEN),
              "is reachable from other machines, and no client needs a credential",
              "give server.auth.api_key or server.auth.clients, or server.auth: none to let"
                  + " everyone in");
    }
    Value tls = server.take(TLS);
    boolean http2 = HTTP2.in(server);
    int maxBody = MAX_BODY.in(server);
    int maxUpload = MAX_UPLOAD.in(server);
    ServerConfig config =
        new ServerConfig(
            listen,
            admin,
            token == null ? null : optionalSecret(token),
            tls == null ? null : TlsSection.read(tls.section()),
            http2,
            maxBody,
            maxUpload == 0 ? maxBody : maxUpload,
            MOST_REQUESTS.in(server),
            CONNECT_TIMEOUT.in(server),
            IDLE_TIMEOUT.in(server),
            DRAIN.in(server),
            auth == null ? new Auth.Open() : AuthSection.read(auth, providerNames));
    server.done();
    return config;
  }

  private ListenAddress address(String name, ListenAddress fallback) {
    Value value = server.take(name);
    ListenAddress address = value == null ? null : TextSettings.address(value);
    return address == null ? fallback : address;
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
