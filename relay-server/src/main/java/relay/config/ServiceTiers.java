package relay.config;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.nodes.Node;

/**
 * The service tiers and speeds that requests may name at a provider, by {@code tiers.yaml}: those
 * that have a limit of their own, and those that share the account's. All other names are ignored:
 * a client must not get further quotas by names that the provider serves without looking at them.
 *
 * @param apis names of APIs, or of types of providers whose API is not known
 * @param by members of the body and headers that name a tier
 * @param shares tiers that count in the account's limit, and may be refused alone
 * @param own tiers with a limit of their own
 */
public record ServiceTiers(
    List<String> apis, List<String> by, List<String> shares, List<String> own) {
  /** None that a provider knows. */
  static final ServiceTiers NONE = new ServiceTiers(List.of(), List.of(), List.of(), List.of());

  private static final String FILE = "tiers.yaml";
  private static final String TYPE = "type "; // before the name of a type
  private static final List<ServiceTiers> ALL = read();

  public ServiceTiers {
    apis = List.copyOf(apis);
    by = List.copyOf(by);
    shares = List.copyOf(shares);
    own = List.copyOf(own);
  }

  /**
   * What a request names.
   *
   * @param name empty for none
   * @param isOwn whether it has a limit of its own
   */
  public record Tier(String name, boolean isOwn) {
    /** The account's own quota. */
    public static final Tier NONE = new Tier("", false);

    public boolean isNamed() {
      return !name.isEmpty();
    }
  }

  static List<ServiceTiers> all() {
    return ALL;
  }

  /** Those of a provider. */
  static ServiceTiers of(ProviderType type, KnownApi api) {
    String name = api.type() == null ? TYPE + lower(type.name()) : api.name();
    for (ServiceTiers each : ALL) {
      if (each.apis.contains(name)) {
        return each;
      }
    }
    return NONE;
  }

  /**
   * The tier that a request names.
   *
   * @param members the body's top-level members of these names; null or empty if it has none
   * @param headers likewise
   */
  public Tier named(
      Function<String, @Nullable String> members, Function<String, @Nullable String> headers) {
    for (String each : by) {
      boolean isHeader = each.indexOf('-') > 0;
      String value = isHeader ? headers.apply(each) : members.apply(each);
      if (value != null && !value.isEmpty()) {
        Tier tier = tier(isHeader ? lower(value.strip()) : value);
        if (tier.isNamed()) {
          return tier;
        }
      }
    }
    return Tier.NONE;
  }

  /** The tier of this name, as a refusal may state it. */
  public Tier tier(String name) {
    boolean isOwn = own.contains(name);
    return isOwn || shares.contains(name) ? new Tier(name, isOwn) : Tier.NONE;
  }

  private static String lower(String text) {
    return text.toLowerCase(Locale.ROOT);
  }

  private static List<ServiceTiers> read() {
    Faults faults = new Faults(FILE);
    References nothing = new References(Map.of(), FileReader.DISK, Path.of(""));
    Node root = YamlSource.read(text(), faults);
    List<ServiceTiers> all = new ArrayList<>();
    List<Value> entries =
        root == null
            ? null
            : new Value(root, "", new Value.Context(faults, nothing)).list(100, "a list of tiers");
    for (Value entry : entries == null ? List.<Value>of() : entries) {
      all.add(of(entry.section()));
    }
    if (!faults.isEmpty()) {
      throw new IllegalStateException(faults.inOrder().toString());
    }
    return List.copyOf(all);
  }

  private static ServiceTiers of(Section row) {
    List<String> where = new ArrayList<>(words(row, "apis"));
    words(row, "types").forEach(type -> where.add(TYPE + type));
    List<String> by = words(row, "by");
    ServiceTiers tiers = new ServiceTiers(where, by, words(row, "shares"), words(row, "own"));
    var _ = row.need("source", "give the address of a page");
    var _ = row.need("read", "give a day");
    row.done();
    if (where.isEmpty() || by.isEmpty()) {
      throw new IllegalStateException("an entry of " + FILE + " names no API or no member");
    }
    return tiers;
  }

  private static List<String> words(Section row, String name) {
    Value stated = row.take(name);
    List<Value> entries = stated == null ? null : stated.list(100, "a list of names");
    List<String> words = new ArrayList<>();
    for (Value entry : entries == null ? List.<Value>of() : entries) {
      Value.Scalar scalar = entry.text("a name");
      if (scalar != null) {
        words.add(scalar.text());
      }
    }
    return words;
  }

  private static String text() {
    try (InputStream in = ServiceTiers.class.getResourceAsStream(FILE)) {
      if (in == null) {
        throw new IllegalStateException(FILE + " is missing");
      }
      return new String(in.readAllBytes(), UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
