package relay.config;

import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NavigableMap;
import java.util.NavigableSet;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import relay.model.Sha256;

/**
 * A configuration as a flat, sorted list of settings: for the difference between two, and for the
 * hash that tells replicas with different ones apart. It reads the records by reflection, so a new
 * setting is in both without a line of code here. No line ever shows a secret.
 */
public final class ConfigOutline {
  private static final int HASH_DIGITS = 12;

  /** Settings that replicas of one fleet may well have apart: an address, the way to Redis. */
  private static final List<String> OWN = List.of("server.listen", "server.admin_listen", "redis.");

  /** Records that have no name of their own in the file: their settings are their parent's. */
  private static final Set<Class<?>> INLINE =
      Set.of(
          ServerConfig.Client.Bounds.class, ServerConfig.Client.Standing.class, LimitsConfig.class);

  /**
   * A setting.
   *
   * @param shown null if it may not be shown
   * @param compared equal for equal values; of a secret its hash
   * @param hashed what the configuration's hash takes of it: of a secret as much as its id tells
   */
  private record Setting(@Nullable String shown, String compared, String hashed) {
    static Setting plain(String value) {
      return new Setting(value, value, value);
    }

    static Setting secret(KeyHash hash) {
      return new Setting(null, HexFormat.of().formatHex(hash.bytes()), hash.id());
    }
  }

  /** The components of each record, cached: a config may have 10,000 clients. */
  private static final ClassValue<List<Component>> COMPONENTS =
      new ClassValue<>() {
        @Override
        protected List<Component> computeValue(Class<?> type) {
          return Stream.of(type.getRecordComponents())
              .map(one -> new Component(one.getName(), named(one.getName()), one.getAccessor()))
              .toList();
        }
      };

  /**
   * A component of a record.
   *
   * @param setting its name in the file
   */
  private record Component(String name, String setting, Method accessor) {
    @Nullable Object of(Record part) {
      try {
        return accessor.invoke(part);
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException("cannot read " + name, e);
      }
    }
  }

  private final NavigableMap<String, Setting> settings = new TreeMap<>();
  private final NavigableMap<String, List<String>> elements = new TreeMap<>(); // by the list's path

  private ConfigOutline() {}

  /** The outline of a configuration. */
  public static ConfigOutline of(Config config) {
    ConfigOutline outline = new ConfigOutline();
    outline.add("", config);
    return outline;
  }

  /**
   * The first 12 hex digits of the SHA-256 of what replicas of one fleet have in common: not their
   * addresses, nor how they reach Redis. A secret is in it with the 8 digits that its id has.
   */
  public String hash() {
    MessageDigest digest = Sha256.begin();
    settings.forEach(
        (path, setting) -> {
          if (OWN.stream().noneMatch(path::startsWith)) {
            digest.update((path + "=" + setting.hashed() + "\n").getBytes(StandardCharsets.UTF_8));
          }
        });
    elements.forEach(
        (path, names) ->
            digest.update((path + ":" + names + "\n").getBytes(StandardCharsets.UTF_8)));
    return HexFormat.of().formatHex(digest.digest()).substring(0, HASH_DIGITS);
  }

  /** The settings by their paths; of a secret only that there is one. */
  NavigableMap<String, String> shown() {
    NavigableMap<String, String> shown = new TreeMap<>();
    settings.forEach(
        (path, setting) ->
            shown.put(path, Objects.requireNonNullElse(setting.shown(), "(a secret)")));
    return shown;
  }

  /** What another has and this has not, and the reverse: a line each, in the order of paths. */
  public List<String> changesTo(ConfigOutline next) {
    List<String> changes = new ArrayList<>();
    NavigableSet<String> whole = new TreeSet<>(); // came or went: their settings are no news
    Set<String> lists = new TreeSet<>(elements.keySet());
    lists.addAll(next.elements.keySet());
    for (String list : lists) {
      if (isWithin(list, whole)) {
        continue;
      }
      Set<String> before = new LinkedHashSet<>(elements.getOrDefault(list, List.of()));
      Set<String> after = new LinkedHashSet<>(next.elements.getOrDefault(list, List.of()));
      for (String name : after) {
        if (!before.contains(name) && whole.add(element(list, name))) {
          changes.add(element(list, name) + ": added");
        }
      }
      for (String name : before) {
        if (!after.contains(name) && whole.add(element(list, name))) {
          changes.add(element(list, name) + ": removed");
        }
      }
      List<String> stayed = before.stream().filter(after::contains).toList();
      List<String> now = after.stream().filter(before::contains).toList();
      if (!stayed.equals(now)) {
        changes.add(list + ": order " + stayed + " -> " + now);
      }
    }
    Set<String> paths = new TreeSet<>(settings.keySet());
    paths.addAll(next.settings.keySet());
    for (String path : paths) {
      Setting before = settings.get(path);
      Setting after = next.settings.get(path);
      boolean equal = before != null && after != null && before.compared().equals(after.compared());
      if (!equal && !isWithin(path, whole)) {
        changes.add(path + ": " + change(before, after));
      }
    }
    changes.sort(null);
    return changes;
  }

  /** The paths of the settings in which another differs. */
  public List<String> pathsOfChangesTo(ConfigOutline next) {
    return changesTo(next).stream()
        .map(line -> line.substring(0, line.indexOf(": ")))
        .distinct()
        .toList();
  }

  private static String change(@Nullable Setting before, @Nullable Setting after) {
    if (before == null) {
      String shown = Objects.requireNonNull(after).shown();
      return shown == null ? "added" : "- -> " + shown;
    }
    if (after == null) {
      return before.shown() == null ? "removed" : before.shown() + " -> -";
    }
    return before.shown() == null || after.shown() == null
        ? "changed"
        : before.shown() + " -> " + after.shown();
  }

  /** None of the elements lies within another: the last one before the path decides. */
  private static boolean isWithin(String path, NavigableSet<String> whole) {
    String last = whole.floor(path);
    return last != null && path.startsWith(last);
  }

  private static String element(String list, String name) {
    return list + "[" + name + "]";
  }

  private void add(String path, @Nullable Object value) {
    switch (value) {
      case null -> {}
      case Secret secret -> settings.put(path, Setting.secret(secret.hash()));
      case KeyHash hash -> settings.put(path, Setting.secret(hash));
      case TlsConfig tls -> settings.put(path, Setting.secret(tls.fingerprint()));
      case RedisUrl url -> settings.put(path, Setting.secret(KeyHash.of(redis(url))));
      case Duration duration -> put(path + "_ms", Long.toString(duration.toMillis()));
      case Enum<?> word -> put(path, word.name().toLowerCase(Locale.ROOT));
      case ModelPattern pattern -> put(path, pattern.pattern());
      case ListenAddress address -> put(path, address.toString());
      case Map<?, ?> map -> map.forEach((key, one) -> add(element(path, "" + key), one));
      case Collection<?> list -> addAll(path, list);
      case Record part -> addRecord(path, part);
      default -> put(path, value.toString());
    }
  }

  /** The form is kept: replicas of all versions compare the digest. */
  private static String redis(RedisUrl url) {
    Secret password = url.password();
    StringBuilder text = new StringBuilder("RedisUrl[tls=").append(url.tls());
    text.append(", servers=").append(url.servers()).append(", master=").append(url.master());
    text.append(", database=").append(url.database()).append(", username=").append(url.username());
    text.append(", password=").append(password).append(']');
    return text.append(password == null ? "" : password.reveal()).toString();
  }

  private void put(String path, String value) {
    settings.put(path, Setting.plain(value));
  }

  private void addAll(String path, Collection<?> list) {
    boolean records = list.stream().anyMatch(one -> one instanceof Record && nameOf(one) != null);
    if (records) {
      List<String> names = new ArrayList<>();
      for (Object one : list) {
        String name = String.valueOf(nameOf(one));
        names.add(name);
        add(element(path, name), one);
      }
      boolean ordered = list.stream().noneMatch(ConfigOutline::isUnordered);
      elements.put(path, ordered ? names : names.stream().sorted().toList());
    } else if (list.stream().anyMatch(KeyHash.class::isInstance)) {
      settings.put(path, Setting.secret(KeyHash.of(digests(list))));
    } else if (!list.isEmpty()) {
      var words = list.stream().map(one -> one instanceof ModelPattern p ? p.pattern() : "" + one);
      put(
          path,
          (list instanceof Set ? words.sorted() : words)
              .collect(Collectors.joining(", ", "[", "]")));
    }
  }

  private static String digests(Collection<?> hashes) {
    return hashes.stream()
        .map(hash -> HexFormat.of().formatHex(((KeyHash) hash).bytes()))
        .collect(Collectors.joining(","));
  }

  private static boolean isUnordered(Object element) {
    return element instanceof KeyConfig
        || element instanceof ProviderConfig.QuotaGroup
        || element instanceof ServerConfig.Client;
  }

  private static @Nullable String nameOf(Object element) {
    return switch (element) {
      case ProviderConfig provider -> provider.name();
      case KeyConfig key -> key.id();
      case ProviderConfig.QuotaGroup group -> group.id();
      case ProviderConfig.ModelClass modelClass -> modelClass.name();
      case ServerConfig.Client client -> client.name();
      case BudgetConfig budget -> budget.label();
      case PriceConfig price -> price.model().pattern();
      default -> null;
    };
  }

  private void addRecord(String path, Record part) {
    List<Component> components = COMPONENTS.get(part.getClass());
    if (components.isEmpty()) {
      put(path, snake(part.getClass().getSimpleName()));
      return;
    }
    for (Component component : components) {
      Object value = component.of(part);
      if (part instanceof LimitsConfig) {
        put(path + "." + component.name() + "_limit", String.valueOf(value));
      } else if (value instanceof Record inner && isInlineIn(inner)) {
        addRecord(path, inner);
      } else {
        add(path.isEmpty() ? component.setting() : path + "." + component.setting(), value);
      }
    }
  }

  private static boolean isInlineIn(Record value) {
    return !COMPONENTS.get(value.getClass()).isEmpty()
        && (INLINE.contains(value.getClass())
            || value instanceof Credential
            || value instanceof Cloud);
  }

  /** The setting's name in the file. */
  private static String named(String component) {
    return switch (component) {
      case "secret", "keyHash", "keyHashes" -> "key";
      default -> snake(component);
    };
  }

  private static String snake(String name) {
    return name.replaceAll("(?<=.)([A-Z])", "_$1").toLowerCase(Locale.ROOT);
  }
}
