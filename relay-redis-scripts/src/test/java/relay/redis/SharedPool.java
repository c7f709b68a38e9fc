package relay.redis;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Random;

/** Clients that share one pool, in virtual time, by the scripts on a real Redis. */
final class SharedPool {
  static final long SECOND = 1_000_000;
  static final long MINUTE = 60 * SECOND;
  private static final long LATENCY = 20_000;
  private static final long START = 1_790_000_000_000_000L;

  private record Event(long at, long order, Runnable what) implements Comparable<Event> {
    @Override
    public int compareTo(Event other) {
      return at != other.at ? Long.compare(at, other.at) : Long.compare(order, other.order);
    }
  }

  private final ScriptConnection wire;
  private final RedisKeys names;
  private final List<String> fields = new ArrayList<>();
  private final PriorityQueue<Event> events = new PriorityQueue<>();
  private final Random random = new Random(20_261_127);
  private long order;
  private long now = START;

  /** One client, and what it got. */
  final class Client {
    private final String ask;
    final List<Long> grants = new ArrayList<>();
    final List<Long> waits = new ArrayList<>();
    long asked;
    long lost;

    private Client(String ask) {
      this.ask = ask;
    }

    /** Grants between two times, in minutes since the start. */
    double between(double from, double to) {
      return (double)
          grants.stream()
              .filter(at -> at >= START + from * MINUTE && at < START + to * MINUTE)
              .count();
    }

    /** Asks at random times, so often a minute; a request that is refused is gone. */
    void poll(double from, double to, double perMinute) {
      long first = START + Math.round(from * MINUTE + gap(perMinute));
      at(first, () -> poll(Math.round(START + to * MINUTE), perMinute));
    }

    private void poll(long end, double perMinute) {
      if (now < end) {
        ask(false);
        at(now + gap(perMinute), () -> poll(end, perMinute));
      }
    }

    /** Asks so often; a request waits in its replica for up to a second, as it is told. */
    void arrive(double from, double to, double perMinute) {
      long first = START + Math.round(from * MINUTE + gap(perMinute));
      at(first, () -> arrive(Math.round(START + to * MINUTE), perMinute));
    }

    private void arrive(long end, double perMinute) {
      if (now < end) {
        waitFor(now, false);
        at(now + gap(perMinute), () -> arrive(end, perMinute));
      }
    }

    private void waitFor(long began, boolean again) {
      long wait = ask(again);
      if (wait == 0) {
        waits.add(now - began);
      } else if (now + wait <= began + SECOND) {
        at(now + wait, () -> waitFor(began, true));
      } else {
        lost++;
      }
    }

    /** A sender with one request after the other, who asks again when it was told to. */
    void obey() {
      obey(now);
    }

    private void obey(long began) {
      long wait = ask(false);
      if (wait > 0) {
        at(now + Math.ceilDiv(wait, 1_000) * 1_000 + LATENCY, () -> obey(began));
      } else {
        waits.add(now - began);
        at(now + LATENCY, this::obey);
      }
    }

    /** Returns the time that it is told, 0 for a grant. */
    long ask(boolean again) {
      asked++;
      Wish wish = new Wish("l" + order++, 10, 10, "");
      String line = CallLine.acquire(clock(), 7, Picks.LEASE_MS, List.of(), "", List.of(wish));
      List<Object> reply =
          wire.call(
              ScriptFile.ACQUIRE,
              Step.leases(names),
              line + " " + ask + (again ? " 1" : " 0"),
              String.join(" ", fields),
              wish.id());
      if (reply.get(2).equals(1L)) {
        grants.add(now);
        return 0;
      }
      if (!reply.get(2).equals(0L)) {
        throw new AssertionError(reply.toString());
      }
      return (Long) reply.get(3);
    }
  }

  SharedPool(ScriptConnection wire, int keys, Limits limits) {
    this(wire, Pools.plan("shared", Duration.ofMinutes(1), keys, limits));
  }

  SharedPool(ScriptConnection wire, PoolPlan plan) {
    this.wire = wire;
    names = new RedisKeys("shared", Pools.name("shared"));
    plan.keys().forEach(k -> fields.add(k.id() + " " + PoolPlan.group(k.account(), Pools.CLASS)));
    Step configure = new Step.Configure(0, 7, plan);
    wire.call(configure.script(), configure.keys(names), configure.args(clock()).toArray());
  }

  private Clock clock() {
    return new Clock(now, 0);
  }

  Client client(String name, int weight) {
    return client(name, 2, weight, 0, 0);
  }

  /**
   * A client.
   *
   * @param kept thousandths of the limit that it leaves free
   * @param floor thousandths that its rank has before all others
   */
  Client client(String name, int rank, int weight, int kept, int floor) {
    return new Client(name + " " + rank + " " + weight + " " + kept + " " + floor);
  }

  private long gap(double perMinute) {
    return Math.round(-StrictMath.log(1 - random.nextDouble()) * MINUTE / perMinute);
  }

  void at(long time, Runnable what) {
    events.add(new Event(time, order++, what));
  }

  void atMinute(double minute, Runnable what) {
    at(START + Math.round(minute * MINUTE), what);
  }

  void run(double minutes) {
    long end = START + Math.round(minutes * MINUTE);
    while (!events.isEmpty() && events.peek().at < end) {
      Event next = events.remove();
      now = next.at;
      next.what.run();
    }
    now = end;
  }
}
