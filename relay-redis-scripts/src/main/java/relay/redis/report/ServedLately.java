package relay.redis.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;

/**
 * Which models of which clients accounts served within the last minute, as this replica saw it. Of
 * each model of a quota group it knows the two clients that were served last: for any client,
 * another one is among them. Thread-safe.
 */
public final class ServedLately {
  private static final int MOST = 20_000;
  private static final int MOST_CHARS = 128;
  private static final long KEPT_NANOS = 60_000_000_000L;
  private static final long EVERY_NANOS = 900_000_000L;

  /** Told in one call. */
  private static final int MOST_TOLD = 64;

  private final Map<String, Map<String, Pair>> groups = new ConcurrentHashMap<>();
  private final AtomicInteger pairs = new AtomicInteger();
  private final LongSupplier nanoTime;

  /** A request that was served. */
  public record Served(String group, String model, String client, long nanos) {}

  private static final class Client {
    private final String name;
    private volatile long servedAt;
    private volatile long toldAt;

    Client(String name, long now) {
      this.name = name;
      servedAt = now;
      toldAt = now - EVERY_NANOS - 1;
    }
  }

  /** The clients of one model that were served last. A lost update of two at once is made good. */
  private static final class Pair {
    private volatile Client first;
    private volatile Client second;

    Pair(Client one) {
      first = one;
      second = one;
    }

    void served(String client, long now) {
      Client a = first;
      Client b = second;
      if (a.name.equals(client)) {
        a.servedAt = now;
      } else if (b.name.equals(client)) {
        b.servedAt = now;
      } else if (a.servedAt <= b.servedAt) {
        first = new Client(client, now);
      } else {
        second = new Client(client, now);
      }
    }

    long servedAt() {
      return Math.max(first.servedAt, second.servedAt);
    }
  }

  public ServedLately(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  public void served(String group, String model, String client) {
    long now = nanoTime.getAsLong();
    Map<String, Pair> models = groups.get(group);
    Pair pair = models == null ? null : models.get(model);
    if (pair != null) {
      pair.served(client, now);
    } else if (areKept(model, client) && pairs.get() < MOST) {
      Pair fresh = new Pair(new Client(client, now));
      if (groups.computeIfAbsent(group, _ -> new ConcurrentHashMap<>()).putIfAbsent(model, fresh)
          == null) {
        pairs.getAndIncrement();
      }
    }
  }

  /** Whether names are short and printable enough to remember. */
  public static boolean areKept(String model, String client) {
    return isKept(model) && isKept(client);
  }

  private static boolean isKept(String name) {
    return name.length() <= MOST_CHARS && name.chars().noneMatch(c -> c < ' ');
  }

  /** Takes what the other replicas are to know, and forgets what is a minute old. */
  public List<Served> take() {
    List<Served> told = new ArrayList<>();
    long now = nanoTime.getAsLong();
    groups.forEach((group, models) -> look(group, models, now, told));
    return told;
  }

  private void look(String group, Map<String, Pair> models, long now, List<Served> told) {
    models.forEach(
        (model, pair) -> {
          if (now - pair.servedAt() > KEPT_NANOS) {
            if (models.remove(model, pair)) {
              pairs.getAndDecrement();
            }
            return;
          }
          look(group, model, pair.first, now, told);
          look(group, model, pair.second, now, told);
        });
  }

  private static void look(String group, String model, Client client, long now, List<Served> told) {
    long at = client.servedAt;
    if (told.size() < MOST_TOLD && at - client.toldAt > 0 && now - client.toldAt > EVERY_NANOS) {
      client.toldAt = now;
      told.add(new Served(group, model, client.name, at));
    }
  }

  /** What was served by this group, to be told at once. */
  public List<Served> of(String group) {
    List<Served> told = new ArrayList<>();
    Map<String, Pair> models = groups.get(group);
    if (models != null) {
      long now = nanoTime.getAsLong();
      models.forEach(
          (model, pair) -> {
            for (Client client : List.of(pair.first, pair.second)) {
              if (told.size() < MOST_TOLD && now - client.servedAt < KEPT_NANOS) {
                told.add(new Served(group, model, client.name, client.servedAt));
              }
            }
          });
    }
    return told;
  }
}
