package relay.config;

import static relay.config.SchemaNode.amount;
import static relay.config.SchemaNode.either;
import static relay.config.SchemaNode.flag;
import static relay.config.SchemaNode.list;
import static relay.config.SchemaNode.map;
import static relay.config.SchemaNode.ratio;
import static relay.config.SchemaNode.section;
import static relay.config.SchemaNode.text;
import static relay.config.SchemaNode.whole;
import static relay.config.SchemaNode.words;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import relay.config.LoggingConfig.Format;
import relay.config.LoggingConfig.Level;

/**
 * The JSON Schema of the configuration: what editors complete and check, and what the table of the
 * documentation is made of. It uses the sections' own bounds; a test tries every setting against
 * both. What a schema cannot say, such as that names differ, {@code relay check} does.
 */
public final class ConfigSchema {
  private static final Pattern API =
      Pattern.compile(
          KnownApis.all().stream().map(KnownApi::name).collect(Collectors.joining("|"))
              + "|"
              + KnownApi.NONE.name());
  static final Pattern MODEL = Pattern.compile("[^\\s]{1,256}");
  private static final int DAY_MS = ServerSection.MAX_TIMEOUT_MS;

  private ConfigSchema() {}

  /** As text, with a line end. */
  public static String json() {
    try {
      return new JsonMapper().writerWithDefaultPrettyPrinter().writeValueAsString(tree()) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree can be written", e);
    }
  }

  /** As a tree. */
  static ObjectNode tree() {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    root.put("$schema", "http://json-schema.org/draft-07/schema#");
    root.setAll(
        section("Relay's configuration")
            .with("server", server())
            .with("redis", redis())
            .with("providers", list("The pools of keys", provider(), RootSection.MAX_PROVIDERS))
            .with("routing", routing())
            .with("prices", prices())
            .with("logging", logging())
            .need("providers")
            .json());
    root.set("definitions", SchemaNode.definitions());
    return root;
  }

  private static SchemaNode server() {
    return section("This replica")
        .with(
            "listen",
            text("Address for clients; 0.0.0.0:8787 for all interfaces. Needs a restart")
                .fallback("127.0.0.1:8787")
                .example("0.0.0.0:8787"))
        .with(
            "admin_listen",
            text("Address for operators: health, metrics, pools. Needs a restart")
                .fallback("127.0.0.1:9091"))
        .with(
            "admin_token",
            text("What operators show as `Authorization: Bearer`. Needed beyond loopback")
                .example("${RELAY_ADMIN_TOKEN:-}"))
        .with("tls", tls())
        .with("enable_http2", flag("HTTP/2 beside HTTP/1.1. Needs a restart", false))
        .with(
            "max_body_bytes",
            whole("Largest request body", 32 * 1024 * 1024, 1, ServerSection.MAX_BODY_BYTES))
        .with(
            "max_upload_bytes",
            whole(
                "Largest body of a passthrough request, which is not held; 0 = max_body_bytes",
                0,
                0,
                Integer.MAX_VALUE))
        .with(
            "max_concurrent",
            whole(
                "Requests at once in this replica; 0 = no bound but memory",
                0,
                0,
                ServerSection.MAX_CONCURRENT))
        .with(
            "connect_timeout_ms",
            whole("Time to connect to a provider, TLS included", 5_000, 1, DAY_MS))
        .with(
            "idle_timeout_ms",
            whole(
                "Longest silence of a provider; a whole stream may take longer",
                300_000,
                1,
                DAY_MS))
        .with(
            "drain_ms",
            whole("How long running requests may go on after SIGTERM", 30_000, 0, DAY_MS))
        .with("auth", auth());
  }

  private static SchemaNode tls() {
    return section("TLS for clients; absent = plain HTTP. Renewed files are read")
        .with(
            "certificate",
            text("PEM file: the server's certificate, then those that lead to its root")
                .example("/etc/relay/chain.pem"))
        .with("private_key", text("PEM file: the unencrypted key").example("/etc/relay/key.pem"))
        .need("certificate", "private_key");
  }

  private static SchemaNode outboundTls() {
    return section("TLS to the provider. Renewed files are read")
        .with(
            "ca",
            text("PEM file: the authorities to trust instead of the JVM's")
                .example("/etc/relay/ca.pem"))
        .with(
            "certificate",
            text("PEM file: what Relay shows to a provider that asks, then its intermediates")
                .example("/etc/relay/relay.pem"))
        .with("private_key", text("PEM file: its unencrypted key").example("/etc/relay/relay.key"));
  }

  private static SchemaNode auth() {
    SchemaNode known =
        section("The clients")
            .with(
                "api_key",
                text("Short form: the key of one client named `default`")
                    .example("${RELAY_API_KEY}"))
            .with("clients", clients())
            .with(
                "clients_file",
                text("YAML file with a mapping `clients: [ ... ]` of the same form; watched, too")
                    .example("/etc/relay/clients.yaml"));
    known.json().put("type", "object");
    ObjectNode none = JsonNodeFactory.instance.objectNode();
    none.put("title", "Everyone is let in").put("const", "none");
    return either(
        "Who may call. Absent on a loopback address, or `none`: everyone",
        List.of(none, known.json()));
  }

  private static SchemaNode clients() {
    SchemaNode client =
        section("A client")
            .with("name", text("Its name", TextSettings.NAME).example("team-a"))
            .with("key", text("The credential that it sends to Relay").example("${TEAM_A_KEY}"))
            .with("key_sha256", sha256("Instead of `key`: its SHA-256"))
            .with(
                "keys",
                list(
                    "Further keys, for a rotation with overlap",
                    text("A key"),
                    TextSettings.MAX_MODELS))
            .with(
                "keys_sha256",
                list(
                    "Further keys by their SHA-256",
                    sha256("The SHA-256 of a key"),
                    TextSettings.MAX_MODELS))
            .with(
                "enforce",
                flag("false: its limits are counted and logged, and refuse nothing", true))
            .with(
                "models",
                list(
                    "Models that it may use, * for any part of a name; absent = all",
                    text("A pattern", MODEL).example("claude-*"),
                    TextSettings.MAX_MODELS))
            .with(
                "providers",
                list(
                    "Providers that it may use; absent = all",
                    text("A provider's name", TextSettings.NAME),
                    TextSettings.MAX_MODELS))
            .need("name");
    KeySchema.limits(client, "a minute, over all replicas");
    client.with(
        "max_concurrent",
        whole("Its requests at once, over all replicas; 0 = no bound", 0, 0, LimitsConfig.MAX));
    client.with("budget", budgets());
    client
        .with(
            "weight",
            whole(
                "Its share of a pool that is short, among those of its priority",
                1,
                1,
                ServerConfig.Client.Standing.MAX_WEIGHT))
        .with(
            "priority",
            words("Whose requests come first when a pool is short", ClientPriority.STANDARD));
    SchemaNode list = list("Clients with names", client, AuthSection.MAX_CLIENTS);
    list.json().remove("minItems");
    return list;
  }

  private static SchemaNode budgets() {
    SchemaNode budget =
        section("What it may spend in a period")
            .with("usd", amount("US dollars, by `prices`", BudgetConfig.MAX_DOLLARS))
            .with("tokens", whole("Instead: input and output tokens", 0, 0, LimitsConfig.MAX))
            .with("per", words("The period, in UTC", BudgetConfig.Per.class))
            .with("rolling", flag("true: any 24 hours, any 30 days", false))
            .with("hard", flag("true: a running stream ends when it is spent", false))
            .need("per");
    SchemaNode list = list("Its budgets, over all replicas", budget, BudgetConfig.MAX_BUDGETS);
    list.json().remove("minItems");
    return list;
  }

  private static SchemaNode prices() {
    SchemaNode price =
        section("The prices of a model, in US dollars a million tokens")
            .with(
                "model",
                text("The provider's name, * for any part of it", MODEL).example("claude-sonnet-*"))
            .with("input", amount("Input", PriceConfig.MAX_DOLLARS))
            .with("output", amount("Output", PriceConfig.MAX_DOLLARS))
            .with(
                "cache_read",
                amount("Input from a cache; absent = as input", PriceConfig.MAX_DOLLARS))
            .with(
                "cache_write",
                amount("Input into a cache; absent = as input", PriceConfig.MAX_DOLLARS))
            .need("model", "input", "output");
    SchemaNode list = list("Prices of models, for budgets", price, PriceConfig.MAX_PRICES);
    list.json().remove("minItems");
    return list;
  }

  private static SchemaNode sha256(String title) {
    return text(title + ", 64 hexadecimal digits", Pattern.compile("[0-9a-fA-F]{64}"));
  }

  private static SchemaNode redis() {
    return section("The store that replicas share. Needs a restart")
        .with(
            "url",
            text(RedisUrl.FORMS + "; absent = Relay starts a Redis for this one machine")
                .example(
                    "${REDIS_URL:-}",
                    "redis://localhost:6379",
                    "redis-sentinel://s1:26379,s2:26379/0#main"))
        .with("prefix", text("Starts every key in Redis", TextSettings.PREFIX).fallback("relay"))
        .with("cluster", flag("true: the url's servers are nodes of a Redis Cluster", false))
        .with(
            "tls",
            section("For rediss://, and for redis-sentinel:// with TLS")
                .with(
                    "ca",
                    text("PEM file: the certificates that sign the server's; absent = Java's"))
                .with("certificate", text("PEM file: Relay's own certificate, and its chain"))
                .with("private_key", text("PEM file: its unencrypted key")))
        .with("username", text("The user of password_file; absent = the default user"))
        .with(
            "password_file",
            text("Holds the password; read again when it changes").example("/run/secrets/redis"))
        .with("timeout_ms", whole("Time for a call to Redis", 100, 1, RedisSection.MAX_TIMEOUT_MS))
        .with(
            "on_unavailable",
            words(
                "While Redis does not answer: a share of the limits, refuse, or forward without"
                    + " accounting",
                RedisConfig.OnUnavailable.FAIR_SHARE))
        .with(
            "replicas",
            whole(
                "Of the whole fleet, for a start while Redis is away; 0 = unknown: the last known"
                    + " number in folder, else 16",
                0,
                0,
                RedisSection.MAX_REPLICAS))
        .with(
            "folder",
            text("Keeps the data of the embedded Redis, and the last known number of replicas;"
                    + " absent = nothing is kept")
                .example("/var/lib/relay"));
  }

  private static SchemaNode provider() {
    SchemaNode provider =
        section("A provider, and the pool of its keys")
            .with("name", text("The pool's name", TextSettings.NAME).example("anthropic"))
            .with(
                "type", words("What it speaks, and how keys prove themselves", ProviderType.class))
            .with("enabled", flag("false: as if it were absent", true))
            .with("base_url", text("The type's own if absent; the request's path is appended"))
            .with(
                "api",
                text("The API whose quotas count: docs/providers.md; absent = by the host", API)
                    .example("groq"))
            .with(
                "accounts",
                words(
                    "learned: accounts that answers show to be one organisation count as one",
                    ProviderConfig.Accounts.CONFIG))
            .with("tls", outboundTls())
            .with(
                "proxy",
                text("`none`, or an HTTP proxy for TLS; absent = `HTTPS_PROXY` and `NO_PROXY`")
                    .example("http://proxy:3128"))
            .with("api_version", text("azure: a date", CloudSection.VERSION).fallback("2024-10-21"))
            .with(
                "login_url",
                text("azure: where Entra gives tokens")
                    .fallback("https://login.microsoftonline.com"))
            .with(
                "token_scope",
                text("azure: what tokens are for", CloudSection.SCOPE)
                    .fallback("https://cognitiveservices.azure.com/.default"))
            .with(
                "region", text("bedrock, vertex: where", CloudSection.REGION).example("us-east-1"))
            .with("project", text("vertex: the Google Cloud project", CloudSection.PROJECT))
            .with(
                "models",
                list(
                    "Models that it serves; absent = any",
                    text("The whole name of a model", MODEL),
                    TextSettings.MAX_MODELS))
            .with(
                "model_mapping",
                map(
                    "From a client's name of a model to the provider's",
                    text("The provider's name", MODEL)))
            .with(
                "max_attempts",
                whole("Attempts of a request here", 3, 1, ProviderSection.MAX_ATTEMPTS))
            .with(
                "passthrough",
                flag("Other /v1/ paths (files, batches, images) go here, uncounted", false))
            .with(
                "pass_headers",
                list(
                    "Clients' headers that pass although they may carry a credential or choose"
                        + " an organization",
                    text("The name of a header", ClientHeaders.NAME),
                    ClientHeaders.MOST))
            .with("pooling", PoolingSchema.pooling())
            .with(
                "model_classes",
                list(
                    "Models that share one quota; absent = as the API is known",
                    KeySchema.modelClass(),
                    100))
            .with(
                "workspaces",
                list(
                    "Parts of accounts with limits of their own, below the account's",
                    KeySchema.workspace(),
                    PoolKeys.MAX_WORKSPACES))
            .with("keys", list("The keys", KeySchema.key(), PoolKeys.MAX_KEYS))
            .need("name", "type")
            .only(ProviderType.AZURE, "api_version", "login_url", "token_scope")
            .only(ProviderType.VERTEX, "project");
    ((ObjectNode) provider.json().path("properties").path("model_classes")).remove("minItems");
    return provider;
  }

  private static SchemaNode routing() {
    return section("Between providers that serve the same model")
        .with("strategy", words("Which provider is asked first", RoutingConfig.DEFAULT.strategy()))
        .with(
            "model_mapping",
            map(
                "model_based: from the beginning of a model's name to a provider",
                text("A provider's name", TextSettings.NAME)))
        .with("default_provider", text("First in failover", TextSettings.NAME));
  }

  private static SchemaNode logging() {
    return section("The log, on standard error")
        .with("level", words("From quiet to talkative", Level.INFO))
        .with(
            "format",
            words(
                "json: an object a line. text: for people. auto: text on a terminal", Format.AUTO))
        .with("requests", flag("A line for each request, at level info", true))
        .with(
            "requests_ratio",
            ratio("The share of the requests that get a line; those with a 5xx always do", 1));
  }
}
