package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import relay.e2e.WalkedLease.Charge;
import relay.e2e.WalkedLease.Span;
import relay.guards.Await;

/** Compares what the calls of a {@link LeaseWalk} say with what Redis and a replica's page hold. */
final class LeaseLedger {
  private static final int WINDOW_MS = 600_000;

  /** By how much a pool's own time may differ from that of its Redis. */
  private static final long CLOCK_MICROS = 50_000;

  private final RedisSocket redis;
  private final LeasePlace place;

  LeaseLedger(RedisSocket redis, LeasePlace place) {
    this.redis = redis;
    this.place = place;
  }

  static String pooling() {
    return "pooling: { affinity: session, strategy: round_robin, window_ms: " + WINDOW_MS + " }";
  }

  /** By the clock of Redis, in microseconds. */
  long now() throws IOException {
    List<String> time = redis.list("TIME");
    return TimeUnit.SECONDS.toMicros(Long.parseLong(time.get(0))) + Long.parseLong(time.get(1));
  }

  Span since(long from) throws IOException {
    return new Span(from - CLOCK_MICROS, now() + CLOCK_MICROS);
  }

  /** Whether one of the accounts surely has room: half of a limit may be used at once. */
  boolean hasRoom(int requests, Set<String> cooled, List<WalkedLease> leases) {
    return place.accounts().stream()
        .anyMatch(account -> hasRoom(requests, account, cooled, leases));
  }

  boolean hasRoom(int requests, String account, Set<String> cooled, List<WalkedLease> leases) {
    long used = total(charges(account, leases))[0];
    return !cooled.contains(account)
        && (place.kind() != LeasePlace.Kind.TIGHT
            || 2 * (used + requests) <= LeasePlace.TIGHT_LIMIT);
  }

  private static List<Charge> charges(String account, List<WalkedLease> leases) {
    return leases.stream()
        .filter(lease -> lease.account.equals(account))
        .flatMap(lease -> lease.charges().stream())
        .toList();
  }

  private static long[] total(List<Charge> charges) {
    long[] sum = new long[3];
    charges.forEach(charge -> add(sum, charge));
    return sum;
  }

  private static void add(long[] sum, Charge charge) {
    sum[0] += charge.requests();
    sum[1] += charge.input();
    sum[2] += charge.output();
  }

  /** What each account is charged by slot, and how many leases are open. */
  void check(List<WalkedLease> leases) throws Exception {
    for (String account : place.accounts()) {
      GroupWindow window = window(account);
      List<Charge> charges = charges(account, leases);
      long[] used = window.used();
      assertArrayEquals(
          total(charges), used, () -> account + " is charged " + Arrays.toString(used));
      checkSlots(charges, window);
    }
    Await.until("the open leases count", () -> countsAreRight(leases));
  }

  private GroupWindow window(String account) throws IOException {
    return GroupWindow.read(redis, place.pool(), account + "/default");
  }

  /** What was charged at an uncertain time may be in any slot of that. */
  private static void checkSlots(List<Charge> charges, GroupWindow window) {
    Map<Long, long[]> slots = window.slots();
    Map<Long, long[]> least = new TreeMap<>();
    Map<Long, long[]> most = new TreeMap<>();
    for (Charge charge : charges) {
      long first = charge.when().from() / window.slotMicros();
      long last = charge.when().to() / window.slotMicros();
      for (long slot = first; slot <= last; slot++) {
        add(most.computeIfAbsent(slot, _ -> new long[3]), charge);
        if (first == last) {
          add(least.computeIfAbsent(slot, _ -> new long[3]), charge);
        }
      }
    }
    Set<Long> all = new TreeSet<>(slots.keySet());
    all.addAll(most.keySet());
    for (long slot : all) {
      long[] held = slots.getOrDefault(slot, new long[3]);
      long[] low = least.getOrDefault(slot, new long[3]);
      long[] high = most.getOrDefault(slot, new long[3]);
      for (int d = 0; d < 3; d++) {
        assertTrue(
            held[d] >= low[d] && held[d] <= high[d],
            "slot %d holds %s, not %s to %s"
                .formatted(
                    slot, Arrays.toString(held), Arrays.toString(low), Arrays.toString(high)));
      }
    }
  }

  private boolean countsAreRight(List<WalkedLease> leases) throws IOException {
    long from = now();
    long inFlight = 0;
    for (String account : place.accounts()) {
      inFlight += window(account).inFlight();
    }
    long open = 0;
    for (String owner : redis.list("KEYS", "relay:{" + place.pool() + "}:leases:*:@*")) {
      open += Long.parseLong(redis.text("ZCARD", owner));
    }
    Span when = since(from);
    long least = leases.stream().filter(lease -> lease.isOpen(when, false)).count();
    long most = leases.stream().filter(lease -> lease.isOpen(when, true)).count();
    return inFlight >= least && inFlight <= most && open >= least && open <= most;
  }

  /** When all have ended or died. */
  void checkEnd(List<WalkedLease> leases) throws Exception {
    check(leases);
    for (String account : place.accounts()) {
      GroupWindow window = window(account);
      assertEquals(0, window.inFlight(), account);
      assertEquals(0, window.coming(), account + " expects no more output");
    }
    long[] sum = new long[3];
    for (WalkedLease lease : leases) {
      if (lease.client.equals(place.limited())) {
        long[] its = lease.ofClient();
        Arrays.setAll(sum, d -> sum[d] + its[d]);
      }
    }
    GroupWindow last = own();
    Await.until(
        "the client's own limits hold %s, not %s, and none of %d in flight"
            .formatted(Arrays.toString(sum), Arrays.toString(last.used()), last.inFlight()),
        () -> Arrays.equals(sum, own().used()) && own().inFlight() == 0);
  }

  /** The client's own limits; their window is a minute. */
  private GroupWindow own() throws IOException {
    return GroupWindow.read(redis, "@clients", place.limited() + "/default");
  }

  /** The page is at most a heartbeat old. */
  void checkPage(LeaseWalk.Page page, List<WalkedLease> leases) throws Exception {
    Await.until("the page shows it", () -> isRight(page.read(), leases));
  }

  private boolean isRight(JsonNode pool, List<WalkedLease> leases) {
    boolean isRight = true;
    for (JsonNode group : pool.get("groups")) {
      long[] sum = total(charges(group.get("account").asText(), leases));
      JsonNode used = group.get("used");
      isRight &=
          used.get("rpm").asLong() == sum[0]
              && used.get("itpm").asLong() == sum[1]
              && used.get("otpm").asLong() == sum[2]
              && used.get("tpm").asLong() == sum[1] + sum[2];
    }
    for (String client : List.of(place.free(), place.limited())) {
      isRight &= pool.at("/leases/" + client).asLong() == 0;
    }
    return isRight;
  }
}
