package relay.pool;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.config.KeyConfig;
import relay.config.ProviderConfig;
import relay.config.ProviderConfig.Accounts;

/**
 * The organisations that answers name, by key: accounts of one organisation share its limits,
 * whatever the configuration says. Holds one name for each configured key. Thread-safe.
 */
public final class Organizations {
  private static final Logger log = LoggerFactory.getLogger(Organizations.class);
  private static final int MAX_NAME = 200;

  private final Runnable changed;
  private final Map<String, String> byKey = new ConcurrentHashMap<>(); // empty: it names none
  private final Map<String, Set<String>> accounts = new HashMap<>(); // by organisation; guarded
  private ProviderConfig provider; // guarded by this
  private Map<String, KeyConfig> keys; // guarded by this
  private Comparator<String> inOrder; // of accounts, as in the configuration; guarded by this
  private volatile List<List<String>> shared = List.of();
  private volatile boolean merges;

  /**
   * @param changed runs when other accounts than before are one organisation; must not block
   */
  public Organizations(ProviderConfig provider, Runnable changed) {
    this.changed = changed;
    this.provider = provider;
    keys = byId(provider);
    inOrder = inOrder(provider);
    merges = provider.accounts() == Accounts.LEARNED;
  }

  /** Keeps what is known of keys whose credential and account another configuration keeps. */
  public synchronized void reconfigure(ProviderConfig next) {
    Map<String, KeyConfig> before = keys;
    provider = next;
    keys = byId(next);
    inOrder = inOrder(next);
    merges = next.accounts() == Accounts.LEARNED;
    byKey.keySet().removeIf(id -> !isSame(keys.get(id), before.get(id)));
    accounts.clear();
    byKey.forEach(
        (id, organization) -> {
          KeyConfig key = keys.get(id);
          if (key != null) {
            add(key, organization);
          }
        });
    shared = sharing();
  }

  private static boolean isSame(@Nullable KeyConfig one, @Nullable KeyConfig other) {
    return one != null
        && other != null
        && one.credential().equals(other.credential())
        && one.account().equals(other.account());
  }

  private static Map<String, KeyConfig> byId(ProviderConfig provider) {
    Map<String, KeyConfig> byId = new HashMap<>();
    provider.keys().forEach(key -> byId.put(key.id(), key));
    return byId;
  }

  private static Comparator<String> inOrder(ProviderConfig provider) {
    Map<String, Integer> places = new HashMap<>();
    provider.keys().forEach(key -> places.putIfAbsent(key.account(), places.size()));
    return Comparator.comparing(account -> places.getOrDefault(account, places.size()));
  }

  /** Whether an answer to the key was seen. */
  public boolean knows(String key) {
    return byKey.containsKey(key);
  }

  /**
   * An answer to a key was seen.
   *
   * @param organization as the answer names it; empty if it names none
   */
  public synchronized void learned(String key, String organization) {
    KeyConfig known = keys.get(key);
    if (known == null || organization.length() > MAX_NAME) {
      return; // of a configuration that has gone
    }
    byKey.put(key, organization);
    if (add(known, organization)) {
      List<List<String>> before = shared;
      shared = sharing();
      shared.stream().filter(list -> !before.contains(list)).forEach(this::log);
      changed.run();
    }
  }

  /** Whether it is a further account of the organisation. */
  private boolean add(KeyConfig key, String organization) {
    if (organization.isEmpty()) {
      return false;
    }
    Set<String> known = accounts.computeIfAbsent(organization, _ -> new TreeSet<>(inOrder));
    return known.add(key.account()) && known.size() > 1;
  }

  private List<List<String>> sharing() {
    List<List<String>> lists = new ArrayList<>();
    accounts.values().stream().filter(set -> set.size() > 1).map(List::copyOf).forEach(lists::add);
    lists.sort(Comparator.comparing(List::getFirst, inOrder));
    return List.copyOf(lists);
  }

  private void log(List<String> list) {
    String names = String.join(", ", list);
    if (merges) {
      log.info("accounts of {} are one organisation, and count as one: {}", provider.name(), names);
    } else {
      log.warn(
          "accounts of {} are one organisation and share its limits, but the config counts each:"
              + " {}; give their keys one `account`, or set `accounts: learned`",
          provider.name(),
          names);
    }
  }

  /** Accounts that are counted apart and are one organisation: each list has two at least. */
  public List<List<String>> countedApart() {
    return merges ? List.of() : shared;
  }

  /** For an account that counts as another's: that one. */
  Map<String, String> merged() {
    Map<String, String> merged = new LinkedHashMap<>();
    if (merges) {
      for (List<String> list : shared) {
        String first = merged.getOrDefault(list.getFirst(), list.getFirst());
        list.stream()
            .filter(account -> !account.equals(first))
            .forEach(account -> merged.putIfAbsent(account, first));
      }
    }
    return merged;
  }
}
