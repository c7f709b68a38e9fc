package relay.config;

import static relay.config.SchemaNode.section;
import static relay.config.SchemaNode.text;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import relay.config.ProviderConfig.QuotaGroup;

/**
 * Reads a provider's {@code workspaces}: parts of accounts with limits of their own, which hold
 * beside the account's. The keys of a workspace tell its account.
 */
final class Workspaces {
  static final SchemaNode FORM = section("A workspace").need("name");

  static {
    FORM.declare("name", text("Its name", TextSettings.NAME).example("research"));
    PoolKeys.declareLimits(FORM);
  }

  private final Map<String, Map<String, LimitsConfig>> limits = new LinkedHashMap<>(); // by class
  private final Map<String, String> accounts = new HashMap<>(); // of its first key
  private final Map<String, String> paths = new HashMap<>();

  private Workspaces() {}

  static Workspaces read(Section provider, List<String> classes) {
    Workspaces all = new Workspaces();
    for (NamedEntry entry :
        NamedEntry.of(provider, "workspaces", "workspace", "workspaces", PoolKeys.MAX_WORKSPACES)) {
      Map<String, LimitsConfig> stated = PoolKeys.limits(entry.section(), classes);
      entry.section().done();
      if (entry.name() != null) {
        all.limits.put(entry.name(), stated);
      }
    }
    return all;
  }

  /** The workspace that a key names; empty if it names none that is known. */
  String of(Section key) {
    Value value = key.take(PoolKeys.WORKSPACE);
    String name = value == null ? null : TextSettings.name(value);
    if (value == null || name == null) {
      return "";
    }
    if (!limits.containsKey(name)) {
      value.fault("is no workspace of this provider", FaultWording.allowed(name, limits.keySet()));
      return "";
    }
    return name;
  }

  /** A key was read. */
  void joined(KeyConfig key, Section section) {
    if (key.workspace().isEmpty()) {
      return;
    }
    String first = accounts.putIfAbsent(key.workspace(), key.account());
    String path = paths.putIfAbsent(key.workspace(), section.path());
    if (path != null && !key.account().equals(first)) {
      Place place = section.placeOf(PoolKeys.WORKSPACE);
      section
          .faults()
          .add(
              place,
              "has keys of two accounts: see " + path,
              "give the keys of a workspace one account");
    }
  }

  /** The quota groups of those that have keys. */
  List<QuotaGroup> groups() {
    List<QuotaGroup> groups = new ArrayList<>();
    limits.forEach(
        (name, byClass) -> {
          String account = accounts.get(name);
          if (account != null) {
            String owner = KeyConfig.quota(account, name);
            byClass.forEach((c, stated) -> groups.add(new QuotaGroup(owner, c, stated)));
          }
        });
    return groups;
  }
}
