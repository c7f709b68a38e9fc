package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import relay.redis.library.ScriptFile;
import relay.redis.script.RedisKeys;

/** Clients' usage, as kept by {@code tally} and returned by {@code tallied}, on a virtual clock. */
final class TallyTest {
  private static final long START_S = 1_790_000_000L;

  private final RedisKeys names = new RedisKeys("tally", Pools.name("p"));
  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());
  private long seconds = START_S;

  @AfterEach
  void disconnect() {
    wire.close();
  }

  private void tally(String replica, Object... clients) {
    List<Object> args = new ArrayList<>(List.of(seconds, replica, 30_000));
    args.addAll(List.of(clients));
    List<byte[]> keys = new ArrayList<>(List.of(names.counting, names.running(replica)));
    keys.addAll(List.of(names.used(UsageTally.SLOTS)));
    assertEquals(
        List.of(1L, seconds),
        wire.call(ScriptFile.TALLY, keys.toArray(byte[][]::new), args.toArray()));
  }

  /** Requests, input, output and in flight of a client. */
  private List<Object> tallied(String client, String... replicas) {
    List<Object> reply = ask(List.of(replicas), client);
    return reply.subList(3, reply.size());
  }

  private List<Object> ask(List<String> replicas, String... clients) {
    List<byte[]> keys = new ArrayList<>(List.of(names.counting));
    keys.addAll(List.of(names.used(UsageTally.SLOTS)));
    replicas.forEach(replica -> keys.add(names.running(replica)));
    List<Object> args = new ArrayList<>(List.of(seconds, UsageTally.SLOTS));
    args.addAll(List.of(clients));
    return wire.call(ScriptFile.TALLIED, keys.toArray(byte[][]::new), args.toArray());
  }

  @Test
  void replicas_counts_add_up_and_are_readable() {
    tally("a", "team", 2, 100, 20, 3, "other", 0, 0, 0, 1);
    tally("b", "team", 1, 50, 10, 2);
    assertEquals(List.of(3L, 150L, 30L, 5L), tallied("team", "a", "b"));
    assertEquals(List.of(3L, 150L, 30L, 3L), tallied("team", "a"));
    assertEquals(List.of(0L, 0L, 0L, 1L), tallied("other", "a", "b"));
    assertEquals(List.of(0L, 0L, 0L, 0L), tallied("nobody", "a", "b"));
    assertEquals(List.of("a", "b"), ask(List.of()).get(2));
    byte[] slot = names.used(UsageTally.SLOTS)[(int) (seconds / 2 % UsageTally.SLOTS)];
    assertEquals(
        "3 150 30", ScriptConnection.text(wire.redis().hget(slot, RedisKeys.bytes("team"))));
    assertEquals(
        "3", ScriptConnection.text(wire.redis().hget(names.running("a"), RedisKeys.bytes("team"))));
  }

  @Test
  void usage_ages_out_after_a_minute() {
    tally("a", "team", 1, 1, 1, 0);
    for (int n = 0; n < 30; n++) {
      seconds += 2;
      tally("a", "team", 1, 1, 1, 0);
      assertEquals(2L + n, tallied("team").getFirst(), "after " + (seconds - START_S) + " s");
    }
    seconds += 2;
    assertEquals(30L, tallied("team").getFirst(), "the first has gone");
    seconds += 58;
    assertEquals(1L, tallied("team").getFirst(), "but the last");
    seconds += 2;
    assertEquals(0L, tallied("team").getFirst());
  }

  @Test
  void a_reused_slot_starts_empty() {
    tally("a", "team", 5, 5, 5, 0, "gone", 1, 1, 1, 0);
    seconds += 2 * UsageTally.SLOTS;
    tally("a", "team", 1, 1, 1, 0);
    assertEquals(List.of(1L, 1L, 1L, 0L), tallied("team"));
    assertEquals(0L, tallied("gone").getFirst());
  }

  @Test
  void ended_requests_are_removed_and_all_keys_expire() {
    tally("a", "team", 0, 0, 0, 3);
    assertTrue(wire.redis().exists(names.running("a")) == 1);
    assertTrue(wire.redis().exists(names.used(UsageTally.SLOTS)) == 0, "nothing was used");
    tally("a", "team", 1, 10, 10, 0);
    assertTrue(wire.redis().exists(names.running("a")) == 0);
    tally("a", "team", 1, 10, 10, 1);
    long running = wire.redis().pttl(names.running("a"));
    assertTrue(running > 0 && running <= 30_000, "a dead replica's go after " + running);
    for (byte[] slot : names.used(UsageTally.SLOTS)) {
      long ttl = wire.redis().ttl(slot);
      assertTrue(ttl <= 62, "stays " + ttl);
    }
    long counting = wire.redis().ttl(names.counting);
    assertTrue(counting > 0 && counting <= 60, "stays " + counting);
  }

  @Test
  void a_replica_without_calls_for_a_minute_is_forgotten() {
    tally("a", "team", 0, 0, 0, 1);
    seconds += 60;
    tally("b", "team", 0, 0, 0, 1);
    assertEquals(List.of("a", "b"), ask(List.of()).get(2));
    seconds += 1;
    assertEquals(List.of("b"), ask(List.of()).get(2));
    tally("b");
    assertTrue(wire.redis().zcard(names.counting) == 1);
  }

  @Test
  void a_clock_step_has_no_lasting_effect() {
    tally("a", "team", 1, 1, 1, 0);
    seconds += 3_600;
    assertEquals(0L, tallied("team").getFirst());
    tally("a", "team", 1, 1, 1, 0);
    assertEquals(1L, tallied("team").getFirst());
    seconds -= 3_600;
    assertEquals(1L, tallied("team").getFirst(), "what is of a time to come does not count");
    tally("a", "team", 1, 1, 1, 0);
    assertEquals(2L, tallied("team").getFirst());
  }

  @Test
  void malformed_values_are_ignored() {
    byte[] slot = names.used(UsageTally.SLOTS)[(int) (seconds / 2 % UsageTally.SLOTS)];
    for (String line : List.of("", "x", "1 2", "nan nan nan", "0x1 1 1", "1 2 3 4")) {
      tally("a", "team", 1, 1, 1, 0);
      wire.redis().hset(slot, RedisKeys.bytes("team"), RedisKeys.bytes(line));
      wire.redis().hset(names.running("a"), RedisKeys.bytes("team"), RedisKeys.bytes(line));
      assertEquals(List.of(0L, 0L, 0L, 0L), tallied("team", "a"), line);
      tally("a", "team", 2, 3, 4, 1);
      assertEquals(List.of(2L, 3L, 4L, 1L), tallied("team", "a"), line);
    }
  }

  @Test
  void a_call_costs_redis_few_commands_and_ten_thousand_clients_little_memory() {
    try (FaultyRedis redis = FaultyRedis.start();
        ScriptConnection own = new ScriptConnection(redis.url())) {
      List<byte[]> keys = new ArrayList<>(List.of(names.counting, names.running("a")));
      keys.addAll(List.of(names.used(UsageTally.SLOTS)));
      for (int call = 0; call < 100; call++) {
        List<Object> args = new ArrayList<>(List.of(seconds, "a", 30_000));
        for (int n = 0; n < 100; n++) {
          args.addAll(List.of("client " + (100 * call + n), 3, 40_000, 4_000, n % 2));
        }
        own.call(ScriptFile.TALLY, keys.toArray(byte[][]::new), args.toArray());
      }
      System.out.printf(
          "Cost of 100 tallies of 100 clients each: %s%n",
          own.info("commandstats", "cmdstat_fcall"));
      assertTrue(own.info("commandstats", "cmdstat_hmget").startsWith("calls=100,"));
      assertTrue(own.info("commandstats", "cmdstat_hset").startsWith("calls=200,"));
      byte[] slot = names.used(UsageTally.SLOTS)[(int) (seconds / 2 % UsageTally.SLOTS)];
      long bytes = own.redis().memoryUsage(slot) / 10_000;
      System.out.printf("Memory of a client in a slot: %d bytes%n", bytes);
      assertTrue(bytes < 150, "a client takes " + bytes);
    }
  }
}
