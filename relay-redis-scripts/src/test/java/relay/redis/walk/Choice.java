package relay.redis.walk;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import relay.redis.model.Strategy;
import relay.redis.walk.PoolModel.Wait;

/**
 * A candidate key, in the model.
 *
 * @param wish what it is for
 * @param load load of the fullest dimension, NaN if one is too full
 */
record Choice(
    KeyModel key,
    GroupModel group,
    Wish wish,
    long input,
    long output,
    double load,
    long inFlight) {

  static Choice of(
      KeyModel key,
      GroupModel group,
      Wish wish,
      long input,
      long output,
      long inFlight,
      long now,
      Shape shape) {
    double load = key.maxConcurrent > 0 ? (double) (inFlight + 1) / key.maxConcurrent : 0;
    for (GroupModel level : GroupLevels.of(group)) {
      for (int d = 0; d < 4 && !Double.isNaN(load); d++) {
        long cost = GroupModel.cost(d, wish.requests(), input, output);
        // Math.max: NaN if either is NaN
        load = Math.max(load, level.load(d, cost, GroupModel.later(d, output), now, shape));
      }
      for (int kind = 0; kind < 2 && level.day != null; kind++) {
        long cost = DayModel.cost(kind, wish.requests(), input + output);
        load = Math.max(load, level.day.load(kind, cost, now));
      }
    }
    return new Choice(key, group, wish, input, output, load, inFlight);
  }

  /** The script's five values for a grant of it. */
  List<Object> granted() {
    return List.of(wish.code(), key.id, group.id, input, output);
  }

  private boolean busy() {
    return key.maxConcurrent > 0 && inFlight >= key.maxConcurrent;
  }

  private long cooldownEnd() {
    return GroupLevels.of(group).stream()
        .mapToLong(level -> level.cooldownEnd)
        .reduce(key.cooldownEnd, Math::max);
  }

  boolean fits(long now) {
    boolean cool = cooldownEnd() > now;
    return !cool && !busy() && !Double.isNaN(load);
  }

  /** The strategy's choice. Random draws follow from the lease's id. */
  static Comparator<Choice> order(Strategy strategy, Map<Choice, Long> draws) {
    Comparator<Choice> turn = Comparator.comparingDouble(c -> c.key.pass);
    return switch (strategy) {
      case ROUND_ROBIN, WEIGHTED -> turn;
      case RANDOM -> Comparator.<Choice>comparingLong(draws::get).thenComparing(turn);
      case LEAST_LOADED ->
          Comparator.<Choice>comparingDouble(c -> c.load)
              .thenComparingLong(c -> c.inFlight)
              .thenComparing(turn);
    };
  }

  /** Whether the key serves only when no other can. */
  boolean isSpare(Strategy strategy) {
    return strategy == Strategy.WEIGHTED && key.weight == 0;
  }

  private record Hindrance(long at, double fuzz, String what) {}

  private List<Hindrance> hindrances(long now, Shape shape) {
    List<Hindrance> all = new ArrayList<>();
    all.add(new Hindrance(Math.max(now, cooldownEnd()), 0, "0 " + key.id));
    for (GroupModel level : GroupLevels.of(group)) {
      for (int d = 0; d < 4; d++) {
        long cost = GroupModel.cost(d, wish.requests(), input, output);
        long at = level.opens(d, cost, GroupModel.later(d, output), now, shape);
        all.add(new Hindrance(at, level.fuzz(d, shape) + 2, (d + 1) + " " + key.id));
      }
      for (int kind = 0; kind < 2 && level.day != null; kind++) {
        long cost = DayModel.cost(kind, wish.requests(), input + output);
        long at = level.day.opens(kind, cost, now);
        all.add(new Hindrance(at, 0, (kind + 7) + " " + key.id));
      }
    }
    if (busy()) {
      all.add(new Hindrance(now + 1_000_000, 0, "5 " + key.id));
    }
    return all;
  }

  /** The time of the key that is free first: its latest obstacle. */
  static Wait wait(List<Choice> usable, long now, Shape shape) {
    List<Hindrance> latest = new ArrayList<>();
    long opens = Long.MAX_VALUE;
    for (Choice c : usable) {
      List<Hindrance> all = c.hindrances(now, shape);
      long last = all.stream().mapToLong(Hindrance::at).max().orElseThrow();
      all.stream().filter(h -> h.at + h.fuzz >= last).forEach(latest::add);
      opens = Math.min(opens, last);
    }
    long earliest = opens;
    double fuzz =
        latest.stream()
            .filter(h -> h.at <= earliest)
            .mapToDouble(Hindrance::fuzz)
            .max()
            .orElseThrow();
    List<String> accepted =
        latest.stream().filter(h -> h.at <= earliest + fuzz).map(Hindrance::what).toList();
    return new Wait(Math.clamp(earliest - now, 1, PoolModel.FOREVER), fuzz, accepted);
  }
}
