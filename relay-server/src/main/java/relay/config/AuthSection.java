package relay.config;

import static relay.config.SchemaNode.either;
import static relay.config.SchemaNode.list;
import static relay.config.SchemaNode.section;
import static relay.config.SchemaNode.text;

import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import relay.config.ServerConfig.Auth;
import relay.config.ServerConfig.Client;
import relay.config.ServerConfig.Client.Standing;
import relay.config.Value.Scalar;

/** Reads {@code server.auth}: its clients, and those of the file that it names. */
final class AuthSection {
  static final int MAX_CLIENTS = 10_000;
  private static final String FORM = "give api_key or clients, or auth: none to let everyone in";
  private static final String KEY_FORM = "give key, keys, key_sha256 or keys_sha256";
  private static final String FILE_FORM = "the name of a YAML file with `clients: [ ... ]`";
  private static final int MAX_FILE_BYTES = YamlSource.MAX_CHARS;

  private static final Pattern SHA256 = Pattern.compile("[0-9a-fA-F]{64}");

  private static final SchemaNode CLIENT =
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
          .need("name");
  private static final Setting<Boolean> ENFORCE =
      CLIENT.flag("enforce", true, "false: its limits are counted and logged, and refuse nothing");
  private static final String MODELS =
      CLIENT.declare(
          "models",
          list(
              "Models that it may use, * for any part of a name; absent = all",
              text("A pattern", TextSettings.MODEL).example("claude-*"),
              TextSettings.MAX_MODELS));
  private static final String PROVIDERS =
      CLIENT.declare(
          "providers",
          list(
              "Providers that it may use; absent = all",
              text("A provider's name", TextSettings.NAME),
              TextSettings.MAX_MODELS));
  private static final LimitSettings LIMITS = LimitSettings.ofClient(CLIENT);
  private static final Setting<Long> MAX_CONCURRENT =
      CLIENT.whole(
          "max_concurrent",
          0L,
          0L,
          LimitsConfig.MAX,
          "Its requests at once, over all replicas; 0 = no bound");

  static {
    BudgetSection.declareBudget(CLIENT);
  }

  private static final Setting<Long> WEIGHT =
      CLIENT.whole(
          "weight",
          1L,
          1L,
          Standing.MAX_WEIGHT,
          "Its share of a pool that is short, among those of its priority");
  private static final Setting<ClientPriority> PRIORITY =
      CLIENT.choice(
          "priority", ClientPriority.STANDARD, "Whose requests come first when a pool is short");
  private static final Setting<Boolean> LEASES =
      CLIENT.flag("leases", false, "true: it may call providers by itself, with leases");

  private final Collection<String> providerNames;
  private final List<Client> found = new ArrayList<>();
  private final Uniques<String> names;
  private final Uniques<KeyHash> keys;

  private AuthSection(Faults faults, Collection<String> providerNames) {
    this.providerNames = providerNames;
    names = new Uniques<>(faults, "the same name as", "give each client its own name");
    keys = new Uniques<>(faults, "the same credential as", "give each client its own credential");
  }

  /** The form of {@code auth}. */
  static SchemaNode form() {
    SchemaNode known =
        section("The clients")
            .with(
                "api_key",
                text("Short form: the key of one client named `default`")
                    .example("${RELAY_API_KEY}"))
            .with("clients", list("Clients with names", CLIENT, MAX_CLIENTS).mayBeEmpty())
            .with(
                "clients_file",
                text("YAML file with a mapping `clients: [ ... ]` of the same form; watched, too")
                    .example("/etc/relay/clients.yaml"));
    return either(
        "Who may call. Absent on a loopback address, or `none`: everyone",
        SchemaNode.word("Everyone is let in", "none"),
        known.stated());
  }

  private static SchemaNode sha256(String title) {
    return text(title + ", 64 hexadecimal digits", SHA256);
  }

  static Auth read(Value auth, Collection<String> providerNames) {
    if (auth.isScalar()) {
      Scalar word = auth.scalar("none, or a mapping");
      if (word != null && !word.text().equals("none")) {
        auth.fault("is not a way to authenticate", FORM);
      }
      return new Auth.Open();
    }
    if (auth.isNull()) {
      auth.fault("has no value", FORM);
      return new Auth.Open();
    }
    return new AuthSection(auth.faults(), providerNames).read(auth);
  }

  private Auth read(Value auth) {
    Section section = auth.section();
    boolean some = section.isBroken();
    Value apiKey = section.take("api_key");
    if (apiKey != null) {
      some = true;
      KeyHash hash = unique(hash(apiKey), apiKey);
      Client.Bounds none = new Client.Bounds(List.of(), Set.of(), LimitsConfig.UNKNOWN, 0);
      add(
          "default",
          apiKey,
          hash == null ? List.of() : List.of(hash),
          true,
          none,
          Standing.DEFAULT);
    }
    some |= clients(section);
    Value file = section.take("clients_file");
    some |= file != null && file(file);
    if (!some) {
      auth.fault("names no client", FORM);
    }
    section.done();
    return new Auth.Clients(found);
  }

  /** Whether there are any; after a fault, too. */
  private boolean clients(Section section) {
    Value list = section.take("clients");
    List<Value> entries = list == null ? null : list.list(MAX_CLIENTS, "a list of clients");
    if (entries == null) {
      return list != null;
    }
    entries.forEach(entry -> client(entry.section()));
    return !entries.isEmpty();
  }

  /** As {@link #clients(Section)}, of another file. */
  private boolean file(Value named) {
    Scalar name = named.text(FILE_FORM);
    if (name == null) {
      return true;
    }
    String shown = name.shown().equals("the value") ? "a file" : "the file " + name.shown();
    try {
      byte[] bytes = named.readFile(name.text(), MAX_FILE_BYTES + 1);
      if (bytes.length > MAX_FILE_BYTES) {
        named.refuse("names " + shown + ", which is too long", FILE_FORM);
        return true;
      }
      Value root = named.document(name.text(), bytes);
      if (root == null) {
        return true;
      }
      Section section = root.section();
      if (section.take("clients") == null) {
        section.missing("clients", "give " + FILE_FORM);
        section.done();
        return true;
      }
      boolean some = clients(section);
      section.done();
      return some;
    } catch (IOException e) {
      named.refuse("names " + shown + ", which " + FileReader.reason(e), FILE_FORM);
    } catch (InvalidPathException e) {
      named.refuse("names a file with an invalid name", FILE_FORM);
    }
    return true;
  }

  private void client(Section client) {
    Value name = client.need("name", "give " + TextSettings.NAME_FORM);
    Value key = client.take("key");
    Value sha256 = client.take("key_sha256");
    if (key != null && sha256 != null) {
      sha256.fault("conflicts with key", "give either key or key_sha256");
    }
    List<KeyHash> hashes = new ArrayList<>();
    KeyHash one = key != null ? hash(key) : sha256 != null ? stated(sha256) : null;
    Value only = key != null ? key : sha256;
    if (only != null && unique(one, only) != null && one != null) {
      hashes.add(one);
    }
    hashes.addAll(TextSettings.list(client, "keys", value -> unique(hash(value), value)));
    hashes.addAll(TextSettings.list(client, "keys_sha256", value -> unique(stated(value), value)));
    if (only == null && client.take("keys") == null && client.take("keys_sha256") == null) {
      client.missing("key", KEY_FORM);
    }
    boolean enforce = ENFORCE.in(client);
    List<ModelPattern> models = TextSettings.list(client, MODELS, TextSettings::pattern);
    List<String> providers = TextSettings.list(client, PROVIDERS, this::provider);
    Client.Bounds bounds =
        new Client.Bounds(
            models,
            Set.copyOf(providers),
            LIMITS.in(client),
            PoolKeys.maxConcurrent(MAX_CONCURRENT, client),
            BudgetSection.of(client),
            LEASES.in(client));
    Standing standing = standing(client);
    client.done();
    add(name == null ? null : TextSettings.name(name), name, hashes, enforce, bounds, standing);
  }

  private static Standing standing(Section client) {
    return new Standing(WEIGHT.in(client), PRIORITY.in(client));
  }

  private void add(
      @Nullable String name,
      @Nullable Value stands,
      List<KeyHash> hashes,
      boolean enforce,
      Client.Bounds bounds,
      Standing standing) {
    if (stands != null) {
      names.add(name, stands.place(), stands.faults());
    }
    if (name != null && !hashes.isEmpty()) {
      found.add(new Client(name, hashes, enforce, bounds, standing));
    }
  }

  /** Null for a credential that another client, or this one, has already. */
  private @Nullable KeyHash unique(@Nullable KeyHash hash, Value value) {
    return keys.add(hash, value.place(), value.faults()) ? hash : null;
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
    if (!SHA256.matcher(scalar.text()).matches()) {
      value.refuse("is not a SHA-256", allowed);
      return null;
    }
    return KeyHash.ofHex(scalar.text());
  }
}
