package relay.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import relay.config.ProviderConfig.ModelClass;
import relay.config.ProviderConfig.QuotaGroup;

/**
 * Reads the {@code keys} of a provider, and works out the limits of every account x model class:
 * keys of one account share its limits, so they state equal ones, or one of them states them.
 */
record PoolKeys(List<KeyConfig> keys, List<QuotaGroup> groups) {
  private static final int MAX_KEYS = 10_000;
  private static final int MAX_PRIORITY = 1000;
  private static final int MAX_WEIGHT = 1000;
  private static final String EMPTY_POOL = "give at least one key";

  /** The id of the one key of a provider that asks for none. */
  private static final String KEYLESS = "local";

  /** LimitsConfig by model class as one key states them, and where it does. */
  private record Stated(Map<String, LimitsConfig> byClass, String path) {
    boolean isEmpty() {
      return byClass.values().stream().noneMatch(LimitsConfig::areKnown);
    }
  }

  static PoolKeys read(Section provider, @Nullable ProviderType type, List<String> classNames) {
    List<String> classes = new ArrayList<>(classNames);
    classes.add(ModelClass.DEFAULT);
    if (type == ProviderType.OLLAMA && provider.take("keys") == null) {
      return keyless(classes);
    }
    Value list = provider.need("keys", EMPTY_POOL);
    List<Value> entries = list == null ? null : list.list(MAX_KEYS, "a list of keys");
    if (list == null || entries == null) {
      return new PoolKeys(List.of(), List.of());
    }
    if (entries.isEmpty()) {
      list.fault("is an empty pool", EMPTY_POOL);
    }
    List<KeyConfig> keys = new ArrayList<>();
    Map<String, Stated> accounts = new LinkedHashMap<>();
    Faults faults = provider.faults();
    Uniques<String> ids = new Uniques<>(faults, "the same id as", "ids of a pool's keys differ");
    Uniques<Secret> secrets =
        new Uniques<>(faults, "the same secret as", "list each key once: it has one quota");
    for (Value entry : entries) {
      Section section = entry.section();
      KeyConfig key = key(section, type);
      Stated stated = new Stated(limits(section, classes), entry.path());
      section.done();
      if (key == null) {
        continue;
      }
      keys.add(key);
      boolean otherSecret = secrets.add(key.credential().secret(), section.placeOf("key"));
      // Equal secrets without ids have equal ids: that is one fault, not two.
      if (otherSecret || section.take("id") != null) {
        ids.add(key.id(), section.placeOf("id"));
      }
      Stated first = accounts.putIfAbsent(key.account(), stated);
      if (first != null) {
        accounts.put(key.account(), share(first, stated, entry));
      }
    }
    return new PoolKeys(keys, groups(accounts, classes));
  }

  /** A provider that asks for no key has one all the same, without limits: a pool has keys. */
  private static PoolKeys keyless(List<String> classes) {
    KeyConfig key = new KeyConfig(new Credential.None(), KEYLESS, KEYLESS, 1, 1, 0);
    return new PoolKeys(
        List.of(key),
        classes.stream().map(name -> new QuotaGroup(KEYLESS, name, LimitsConfig.UNKNOWN)).toList());
  }

  /** Null without a valid credential. */
  private static @Nullable KeyConfig key(Section section, @Nullable ProviderType type) {
    Credential credential = CredentialSection.read(section, type);
    Value idValue = section.take("id");
    String id = idValue == null ? null : TextSettings.name(idValue);
    Value accountValue = section.take("account");
    String account = accountValue == null ? null : TextSettings.name(accountValue);
    int priority = ScalarSettings.whole(section, "priority", 1, 0, MAX_PRIORITY);
    int weight = ScalarSettings.whole(section, "weight", 1, 0, MAX_WEIGHT);
    int atOnce = maxConcurrent(section);
    Secret secret = credential == null ? null : credential.secret();
    String keyId = id == null && secret != null ? secret.hash().id() : id;
    if (credential == null || keyId == null) {
      return null;
    }
    return new KeyConfig(
        credential, keyId, account == null ? keyId : account, priority, weight, atOnce);
  }

  /** The limits that a key states for each class: those of {@code limits}, else its plain ones. */
  private static Map<String, LimitsConfig> limits(Section key, List<String> classes) {
    LimitsConfig plain = stated(key);
    Map<String, LimitsConfig> byClass = new LinkedHashMap<>();
    classes.forEach(modelClass -> byClass.put(modelClass, plain));
    key.section("limits")
        .all()
        .forEach(
            (name, value) -> {
              Section section = value.section();
              LimitsConfig limits = stated(section);
              section.done();
              if (byClass.containsKey(name)) {
                byClass.put(name, limits);
              } else {
                value.fault(
                    "is no model class of this provider", FaultWording.allowed(name, classes));
              }
            });
    return byClass;
  }

  /** The plain limits of a key, or of whatever else has limits. */
  static LimitsConfig stated(Section section) {
    return new LimitsConfig(
        limit(section, "rpm_limit"),
        limit(section, "itpm_limit"),
        limit(section, "otpm_limit"),
        limit(section, "tpm_limit"));
  }

  /** Requests at once; 0 = no bound. */
  static int maxConcurrent(Section section) {
    // As large as any limit in the file; nothing has more requests at once than an int counts.
    long stated = ScalarSettings.whole(section, "max_concurrent", 0L, 0L, LimitsConfig.MAX);
    return (int) Math.min(stated, Integer.MAX_VALUE);
  }

  private static long limit(Section section, String name) {
    return ScalarSettings.whole(section, name, 0L, 0L, LimitsConfig.MAX);
  }

  private static Stated share(Stated first, Stated second, Value key) {
    if (first.isEmpty()) {
      return second;
    }
    if (!second.isEmpty() && !first.byClass().equals(second.byClass())) {
      key.fault(
          "states other limits than " + first.path() + ", a key of the same account",
          "state equal limits, or state them at one key only");
    }
    return first;
  }

  private static List<QuotaGroup> groups(Map<String, Stated> accounts, List<String> classes) {
    List<QuotaGroup> groups = new ArrayList<>();
    accounts.forEach(
        (account, stated) -> {
          for (String modelClass : classes) {
            groups.add(
                new QuotaGroup(
                    account,
                    modelClass,
                    stated.byClass().getOrDefault(modelClass, LimitsConfig.UNKNOWN)));
          }
        });
    return groups;
  }
}
