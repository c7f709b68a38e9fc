package relay.redis;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.redis.SharedPool.Client;
import relay.redis.SharedPool.Replica;
import relay.redis.model.Limits;

/**
 * Random clients of a pool that is short, compared with the shares that a model computes: max-min
 * fair by weight. Some obey their times, some poll, some poll without measure, some want less than
 * their share, and some go away without taking up what they were promised.
 */
@Tag("slow")
final class MaxMinSharesTest {
  private static final int LIMIT = 240;
  private static final double CAPACITY = LIMIT * 480 / 483.0; // charges leave by slots
  private static final int FROM = 2; // minutes
  private static final int TO = 6;
  private static final double ENDLESS = 1e9;

  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());

  private enum Manner {
    OBEYS,
    POLLS,
    POLLS_WITHOUT_MEASURE,
    WANTS_LITTLE
  }

  /** One client, and what it wants a minute in the mean. */
  private record Party(Client client, Manner manner, int weight, double mean) {
    /** Requests come at random times: who lost none has got what it wanted. */
    double wants() {
      return manner == Manner.WANTS_LITTLE && client.lost == 0 ? got() : mean;
    }

    double got() {
      return client.between(FROM, TO) / (TO - FROM);
    }
  }

  @AfterEach
  void disconnect() {
    wire.close();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void clients_of_all_manners_get_what_is_max_min_fair(long seed) {
    Random random = new Random(seed);
    int keys = 1 + random.nextInt(3);
    Limits limits = new Limits(LIMIT / keys, 0, 0, 0);
    SharedPool pool =
        new SharedPool(wire, Pools.plan("shared", Duration.ofMinutes(1), keys, limits), seed);
    List<Replica> replicas = pool.replicas(3);
    int count = 2 + random.nextInt(4);
    List<Party> parties = new ArrayList<>();
    int[] weights = random.ints(count, 1, 5).toArray();
    double all = Arrays.stream(weights).sum();
    for (int n = 0; n < count; n++) {
      double share = CAPACITY * weights[n] / all;
      Manner manner = n == 0 ? Manner.OBEYS : Manner.values()[random.nextInt(4)];
      parties.add(enter(pool, "c" + n, manner, weights[n], share, replicas, random));
    }
    Client gone = pool.client("gone", 1);
    for (int minute = 1; minute < TO; minute++) {
      pool.atMinute(minute, () -> leave(gone));
    }
    pool.run(TO);
    double left = CAPACITY - gone.between(FROM, TO) / (TO - FROM);
    double[] fair = fair(parties, left);
    double sum = 0;
    double squares = 0;
    double got = 0;
    StringBuilder told = new StringBuilder();
    for (int n = 0; n < count; n++) {
      Party party = parties.get(n);
      double part = party.got() / fair[n];
      sum += part;
      squares += part * part;
      got += party.got();
      told.append(
          " %s of weight %d: %.1f of %.1f a minute;"
              .formatted(party.manner(), party.weight(), party.got(), fair[n]));
    }
    double jain = sum * sum / (count * squares);
    System.out.printf("Shares, seed %d: Jain's index %.4f,%s%n", seed, jain, told);
    assertTrue(jain > 0.998, told.toString());
    assertTrue(got > 0.97 * left, told.toString());
    for (int n = 0; n < count; n++) {
      Party party = parties.get(n);
      assertTrue(party.got() > 0.93 * fair[n], told.toString());
      double pause =
          VirtualTime.longestPause(party.client().grants, pool.minute(FROM), pool.minute(TO))
              / 60e6; // in minutes
      assertTrue(pause * fair[n] < 12, party + " got nothing for " + pause + " minutes");
    }
  }

  private static Party enter(
      SharedPool pool,
      String name,
      Manner manner,
      int weight,
      double share,
      List<Replica> replicas,
      Random random) {
    Client client = pool.client(name, weight);
    double wants =
        switch (manner) {
          case OBEYS -> {
            int agents = 1 + random.nextInt(30);
            for (int n = 0; n < agents; n++) {
              Replica replica = replicas.get(n % replicas.size());
              pool.atMinute(
                  n / 60_000.0, () -> client.obey(replica, Duration.ZERO, Duration.ofMillis(50)));
            }
            yield ENDLESS;
          }
          case POLLS -> {
            client.poll(0, TO, 3 * share);
            yield ENDLESS;
          }
          case POLLS_WITHOUT_MEASURE -> {
            client.poll(0, TO, 15 * share);
            yield ENDLESS;
          }
          case WANTS_LITTLE -> {
            client.arrive(0, TO, 0.4 * share, replicas, Duration.ofSeconds(10));
            yield 0.4 * share;
          }
        };
    return new Party(client, manner, weight, wants);
  }

  /** Asks for more than it can have at once, and does not come back. */
  private static void leave(Client gone) {
    for (int n = 0; n < 20; n++) {
      gone.ask();
    }
  }

  /**
   * Water filling: who wants less than an equal part of the weight gets it; the rest is divided.
   */
  private static double[] fair(List<Party> parties, double capacity) {
    double[] shares = new double[parties.size()];
    boolean[] served = new boolean[parties.size()];
    double left = capacity;
    while (true) {
      double weights = 0;
      for (int n = 0; n < shares.length; n++) {
        weights += served[n] ? 0 : parties.get(n).weight();
      }
      boolean again = false;
      double level = left / weights;
      for (int n = 0; n < shares.length && weights > 0; n++) {
        Party party = parties.get(n);
        if (!served[n] && party.wants() <= level * party.weight()) {
          shares[n] = party.wants();
          left -= party.wants();
          served[n] = true;
          again = true;
        }
      }
      if (!again) {
        for (int n = 0; n < shares.length; n++) {
          if (!served[n]) {
            shares[n] = level * parties.get(n).weight();
          }
        }
        return shares;
      }
    }
  }
}
