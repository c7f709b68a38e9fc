package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import relay.redis.library.ScriptFile;
import relay.redis.model.Accounting;
import relay.redis.model.KeyPlan;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;
import relay.redis.script.RedisKeys;
import relay.redis.walk.Clock;
import relay.redis.walk.Step;

/** Retry times at clients' own limits, in virtual time. */
@Tag("slow")
final class OwnTimesTest {
  private static final long MILLI = 1_000;
  private static final long SECOND = 1_000_000;
  private static final long MINUTE = 60 * SECOND;
  private static final long START = 1_790_000_000_000_000L;
  private static final long SLOT = Math.ceilDiv(MINUTE * 241 / 240, 480);
  private static final int CONCURRENCY = 5;

  private final FaultyRedis redis = FaultyRedis.start();
  private final ScriptConnection wire = new ScriptConnection(redis.url());
  private final RedisKeys names = new RedisKeys("own", Pools.name("own"));
  private final Random random = new Random(20_261_129);
  private final VirtualTime time = new VirtualTime(START);
  private final List<Long> grants = new ArrayList<>();
  private final List<Long> waits = new ArrayList<>();
  private long sent;

  /** What a request was told: the time at which it comes again, or none, and the reason. */
  private record Told(long micros, long reason, String lease) {
    boolean isGranted() {
      return micros == 0;
    }
  }

  @AfterEach
  void close() {
    wire.close();
    redis.close();
  }

  private void configure(PoolPlan plan) {
    wire.call(new Step.Configure(0, 7, Pools.named(plan)), names, new Clock(time.now(), 0));
  }

  private void configure(int keys, long perMinute) {
    configure(Pools.plan("own", Duration.ofMinutes(1), keys, new Limits(perMinute, 0, 0, 0)));
  }

  private Told ask(int key) {
    return told(ask(key, "l" + time.next(), List.of()));
  }

  /** Ends these leases, which cost nothing, then asks. */
  private List<Object> ask(int key, String lease, List<String> ended) {
    byte[][] k = {names.state, names.win, names.leases, names.due, names.later, names.budgets};
    String costs = " 0 0 0".repeat(ended.size());
    String line = "7 0 %d 3000000 %d 1 0%s 10 10 -".formatted(time.now(), ended.size(), costs);
    List<Object> args = new ArrayList<>(List.of(line));
    args.addAll(ended);
    args.addAll(List.of(lease, "key%d account%d/%s".formatted(key, key, Pools.CLASS)));
    List<Object> reply = new ArrayList<>(wire.call(ScriptFile.ACQUIRE_NAMED, k, args.toArray()));
    reply.subList(2, 2 + ended.size()).clear();
    reply.add(lease);
    return reply;
  }

  private static Told told(List<Object> reply) {
    boolean granted = reply.get(2).equals(1L);
    assertTrue(granted || reply.get(2).equals(0L), reply.toString());
    String lease = (String) reply.getLast();
    return granted
        ? new Told(0, 0, lease)
        : new Told((Long) reply.get(3), (Long) reply.get(4), lease);
  }

  private List<Told> askTimes(int key, int count) {
    return Stream.generate(() -> ask(key)).limit(count).toList();
  }

  /** Asks this often at the same moment. Returns the retry times of the refused requests. */
  private List<Long> refused(int key, int count) {
    return askTimes(key, count).stream().filter(t -> !t.isGranted()).map(Told::micros).toList();
  }

  /** Sends one request after the other, each refused one again when it was told to. */
  private void obey(long began) {
    sent++;
    Told told = ask(0);
    long latency = Math.round((5 + 35 * random.nextDouble()) * MILLI);
    if (told.isGranted()) {
      grants.add(time.now());
      waits.add(time.now() - began);
      time.at(time.now() + latency, () -> obey(time.now()));
    } else {
      time.at(time.now() + Math.ceilDiv(told.micros, MILLI) * MILLI + latency, () -> obey(began));
    }
  }

  @ParameterizedTest
  @EnumSource(Accounting.class)
  void each_of_many_at_once_is_told_a_time_of_its_own_and_served_then(Accounting accounting) {
    configure(Pools.accounting("own", accounting, new Limits(60, 0, 0, 0)));
    List<Long> told = refused(0, accounting == Accounting.TOKEN_BUCKET ? 90 : 60);
    assertTrue(told.size() >= 30, "refused: " + told.size());
    assertEquals(told.size(), new HashSet<>(told).size(), told.toString());
    assertEquals(told.stream().sorted().toList(), told);
    assertTrue(told.getLast() <= MINUTE, "in time: " + told);
    for (long each : told) {
      time.set(START + each);
      assertTrue(ask(0).isGranted(), "refused at " + each + " of " + told);
    }
  }

  /** A tenth of what they ask for is served: without an order all come at each moment. */
  @ParameterizedTest
  @CsvSource({"60, 0, 0", "0, 600, 0", "0, 0, 1200"})
  void a_hundred_agents_that_obey_send_few_requests(long requests, long input, long both) {
    Limits limits = new Limits(requests, input, 0, both);
    configure(Pools.plan("own", Duration.ofMinutes(1), 1, limits));
    for (int n = 0; n < 100; n++) {
      time.at(START + n * MILLI, () -> obey(time.now()));
    }
    time.run(START + 10 * MINUTE);
    double perGrant = (double) sent / grants.size();
    long used = grants.stream().filter(at -> at >= START + 2 * MINUTE).count();
    double mean = waits.stream().mapToLong(w -> w).average().orElseThrow();
    long longest = waits.stream().mapToLong(w -> w).max().orElseThrow();
    System.out.printf(
        "Own limit %s: %.2f sent for each granted, %.1f %% used, waits %.1f s, %.1f s at most%n",
        limits, perGrant, used / 4.8, mean / SECOND, (double) longest / SECOND);
    assertTrue(perGrant <= 2.8, perGrant + " sent for each granted");
    assertTrue(used >= 0.97 * 8 * 60, used + " granted");
    assertTrue(longest <= 2.5 * mean, longest + " us at most, " + mean + " in the mean");
  }

  /** It asks a slot early each time, and gets the same retry time. */
  @Test
  void a_time_is_exact_for_who_waits_alone() {
    configure(1, 60);
    askTimes(0, 30);
    for (int round = 0; round < 20; round++) {
      Told told = ask(0);
      while (told.isGranted()) {
        told = ask(0);
      }
      long opens = time.now() + told.micros;
      time.set(opens - SLOT - SLOT / 4);
      long again = time.now() + ask(0).micros;
      assertTrue(Math.abs(again - opens) <= 2, again + " not " + opens);
      time.set(opens);
      assertTrue(ask(0).isGranted(), "refused at its time");
    }
  }

  @Test
  void places_that_come_free_are_granted_at_once() {
    configure(
        Pools.plan(
            "own",
            Duration.ofMinutes(1),
            List.of(new KeyPlan("key0", "account0", 0, 1, 3)),
            Limits.UNKNOWN));
    List<Told> first = askTimes(0, 13);
    assertEquals(3, first.stream().filter(Told::isGranted).count());
    for (Told each : first.subList(3, 13)) {
      assertEquals(new Told(SECOND, CONCURRENCY, each.lease), each);
    }
    for (int n = 0; n < 40; n++) { // ten of them come back, the others are new
      time.set(time.now() + 10 * MILLI);
      String ended = n < 3 ? "l" + n : "n" + (n - 3);
      assertTrue(told(ask(0, "n" + n, List.of(ended))).isGranted(), "request " + n);
    }
  }

  /** A promise that nobody claims lapses, and its room is granted to others. */
  @Test
  void room_of_requests_that_never_come_back_goes_to_others() {
    configure(1, 60);
    assertTrue(refused(0, 60).size() >= 29);
    long served = 0; // half of a limit was, so the window has room for as much, then for a limit
    for (int n = 0; n < 1_200; n++) {
      time.set(time.now() + 100 * MILLI);
      served += ask(0).isGranted() ? 1 : 0;
    }
    assertTrue(served >= 0.97 * 90, served + " of 90");
  }

  @Test
  void a_client_has_no_part_in_the_queue_of_another() {
    configure(2, 60);
    List<Long> told = refused(0, 50);
    assertEquals(told, refused(1, 50));
    time.set(START + told.getFirst());
    assertTrue(ask(1).isGranted());
    assertTrue(ask(0).isGranted());
  }

  @Test
  void a_heartbeat_tells_nothing_of_the_queue() {
    configure(1, 60);
    assertTrue(refused(0, 60).size() >= 29);
    List<Object> reply = wire.heartbeat("", names, new Clock(time.now(), 0), "0 0 ? 0");
    assertEquals(List.of(), reply.get(reply.size() - 2));
  }

  /** Heartbeats look for queues that are empty. */
  @Test
  void a_queue_is_gone_when_it_was_empty_for_a_window() {
    int clients = 2_000;
    configure(clients, 1);
    IntStream.range(0, clients).forEach(this::ask);
    heartbeats();
    long before = memory();
    for (int key = 0; key < clients; key++) {
      assertEquals(1, refused(key, 1).size());
    }
    long made = memory() - before;
    time.set(time.now() + 3 * MINUTE);
    heartbeats();
    long left = memory() - before;
    System.out.printf("Queues of %d clients: %d bytes, %d when gone%n", clients, made, left);
    assertTrue(made > 2_000L * clients, "no queues were made: " + made);
    assertTrue(left < 0.2 * made, left + " bytes are left of " + made);
  }

  /** Lua collects its garbage step by step. After these calls it has collected all of it. */
  private void heartbeats() {
    for (int n = 0; n < 3_000; n++) {
      wire.heartbeat("", names, new Clock(time.now(), 0), "0 0 ? 0");
    }
  }

  private long memory() {
    return Long.parseLong(wire.info("memory", "used_memory_vm_functions"));
  }
}
