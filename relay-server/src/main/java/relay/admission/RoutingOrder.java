package relay.admission;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import relay.config.ProviderConfig;
import relay.config.RoutingConfig;

/**
 * The order in which to try the providers of a model. Each replica rotates on its own: over many
 * requests the shares are the same.
 */
final class RoutingOrder {
  /** Sets of providers with a rotation of their own. Further sets share one. */
  private static final int SETS = 1_000;

  private static final List<String> OTHERS = List.of();

  private final RoutingConfig config;
  private final Load load;
  private final RandomGenerator random;
  private final Map<List<String>, long[]> turns = new ConcurrentHashMap<>();

  /** The load of a provider for a model. */
  interface Load {
    /** The used share of its limits, from 0 to 1. */
    double of(ProviderConfig provider, String model);
  }

  RoutingOrder(RoutingConfig config, Load load, RandomGenerator random) {
    this.config = config;
    this.load = load;
    this.random = random;
  }

  /**
   * All given providers, in the order to try them.
   *
   * @param able providers that serve the model, in the order of the file
   */
  List<ProviderConfig> of(List<ProviderConfig> able, String model) {
    if (able.size() == 1 && config.strategy() != RoutingConfig.Strategy.MODEL_BASED) {
      return able;
    }
    return switch (config.strategy()) {
      case FAILOVER -> first(config.defaultProvider(), able);
      case ROUND_ROBIN -> {
        List<ProviderConfig> order = new ArrayList<>(able);
        Collections.rotate(order, -turn(able));
        yield order;
      }
      case WEIGHTED_ROUND_ROBIN -> weighted(able);
      case SHUFFLE -> {
        List<ProviderConfig> order = new ArrayList<>(able);
        Collections.shuffle(order, Random.from(random));
        yield order;
      }
      case LEAST_LOADED ->
          able.stream()
              .map(provider -> new Loaded(provider, load.of(provider, model)))
              .sorted(Comparator.comparingDouble(Loaded::load))
              .map(Loaded::provider)
              .toList();
      case MODEL_BASED -> byModel(able, model);
    };
  }

  private record Loaded(ProviderConfig provider, double load) {}

  private static List<ProviderConfig> first(@Nullable String name, List<ProviderConfig> able) {
    List<ProviderConfig> order = new ArrayList<>(able);
    order.sort(Comparator.comparing(provider -> !provider.name().equals(name)));
    return order;
  }

  /**
   * The provider of the longest matching model prefix, else the default one. Providers that accept
   * any model are no fallback: they would get models that they do not have. Without a match, the
   * order of the file.
   */
  private List<ProviderConfig> byModel(List<ProviderConfig> able, String model) {
    String mapped =
        config.modelMapping().keySet().stream()
            .filter(model::startsWith)
            .max(Comparator.comparingInt(String::length))
            .map(config.modelMapping()::get)
            .orElse(config.defaultProvider());
    if (mapped == null || able.stream().noneMatch(p -> p.name().equals(mapped))) {
      return able;
    }
    return first(mapped, able).stream()
        .filter(p -> p.name().equals(mapped) || p.names(model))
        .toList();
  }

  private int turn(List<ProviderConfig> able) {
    long[] taken = state(able);
    synchronized (taken) {
      return (int) (taken[0]++ % able.size());
    }
  }

  /**
   * Smooth weighted round robin: every provider gains its weight; the one with the most is taken
   * and pays the sum of the weights.
   */
  private List<ProviderConfig> weighted(List<ProviderConfig> able) {
    long[] credit = state(able);
    long[] seen;
    synchronized (credit) {
      long all = 0;
      int most = 0;
      for (int n = 0; n < able.size(); n++) {
        credit[n] += able.get(n).weight();
        all += able.get(n).weight();
        most = credit[n] > credit[most] ? n : most;
      }
      seen = Arrays.copyOf(credit, able.size());
      credit[most] -= all;
    }
    List<Loaded> order = new ArrayList<>();
    for (int n = 0; n < able.size(); n++) {
      order.add(new Loaded(able.get(n), (double) -seen[n]));
    }
    order.sort(
        Comparator.comparingDouble(Loaded::load)); // stable: equal loads keep the file's order
    return order.stream().map(Loaded::provider).toList();
  }

  /** The rotation state of a set of providers. */
  private long[] state(List<ProviderConfig> able) {
    List<String> names = able.stream().map(ProviderConfig::name).toList();
    long[] known = turns.get(names);
    if (known != null) {
      return known;
    }
    // Shared by the further sets: long enough for any, since there are at most 1,000 providers.
    return turns.size() < SETS
        ? turns.computeIfAbsent(names, n -> new long[n.size()])
        : turns.computeIfAbsent(OTHERS, n -> new long[SETS]);
  }
}
