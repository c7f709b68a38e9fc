package relay.redis.walk;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.LongStream;
import relay.redis.model.Usage;

/** The usage of clients without limits, in the model: seconds of Redis's own clock. */
final class TallyModel {
  private static final long FORGOTTEN_S = 60;

  private record Slot(long number, Map<String, Usage> used) {}

  private final Map<Integer, Slot> slots = new HashMap<>();
  private final Map<String, Map<String, Long>> running = new TreeMap<>();
  private final Map<String, Long> counting = new TreeMap<>();

  static long seconds(Clock c) {
    return c.given() / 1_000_000;
  }

  void flushAll() {
    slots.clear();
    running.clear();
    counting.clear();
  }

  void told(long now, String replica, List<TallyStep.Told> clients) {
    for (TallyStep.Told told : clients) {
      if (!told.used().equals(Usage.NONE)) {
        slot(now / TallyStep.SLOT_S).used().merge(told.client(), told.used(), Usage::plus);
      }
      Map<String, Long> mine = running.computeIfAbsent(replica, r -> new TreeMap<>());
      if (told.inFlight() > 0) {
        mine.put(told.client(), told.inFlight());
      } else {
        mine.remove(told.client());
      }
    }
    counting.put(replica, now);
    counting.values().removeIf(last -> last < now - FORGOTTEN_S);
  }

  private Slot slot(long number) {
    int place = (int) (number % TallyStep.SLOTS);
    Slot there = slots.get(place);
    if (there == null || there.number() != number) {
      there = new Slot(number, new TreeMap<>());
      slots.put(place, there);
    }
    return there;
  }

  Usage used(long now, String client) {
    long newest = now / TallyStep.SLOT_S;
    return slots.values().stream()
        .filter(slot -> slot.number() <= newest && slot.number() > newest - TallyStep.SLOTS)
        .map(slot -> slot.used().getOrDefault(client, Usage.NONE))
        .reduce(Usage.NONE, Usage::plus);
  }

  long inFlight(List<String> replicas, String client) {
    return replicas.stream()
        .mapToLong(replica -> running.getOrDefault(replica, Map.of()).getOrDefault(client, 0L))
        .sum();
  }

  /** In the order of their last call, as Redis gives them. */
  List<Object> counting(long now) {
    List<Map.Entry<String, Long>> some = new ArrayList<>(counting.entrySet());
    some.removeIf(replica -> replica.getValue() < now - FORGOTTEN_S);
    some.sort(Comparator.comparingLong(Map.Entry::getValue)); // then by name
    return some.stream().<Object>map(Map.Entry::getKey).toList();
  }

  /** The times, in microseconds, at which answers change without a call. */
  LongStream moments() {
    return LongStream.concat(
            slots.values().stream()
                .mapToLong(slot -> (slot.number() + TallyStep.SLOTS) * TallyStep.SLOT_S),
            counting.values().stream().mapToLong(last -> last + FORGOTTEN_S + 1))
        .map(seconds -> seconds * 1_000_000);
  }

  /** A slot's hash in Redis. */
  Map<String, String> stored(int place) {
    Map<String, String> stored = new TreeMap<>();
    Slot slot = slots.get(place);
    if (slot != null) {
      stored.put("", Long.toString(slot.number()));
      slot.used()
          .forEach(
              (client, u) ->
                  stored.put(
                      client, u.requests() + " " + u.inputTokens() + " " + u.outputTokens()));
    }
    return stored;
  }

  /** A replica's hash in Redis. */
  Map<String, String> stored(String replica) {
    Map<String, String> stored = new TreeMap<>();
    running
        .getOrDefault(replica, Map.of())
        .forEach((client, n) -> stored.put(client, Long.toString(n)));
    return stored;
  }
}
