package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import relay.e2e.WalkedLease.Granted;
import relay.e2e.WalkedLease.Span;
import relay.e2e.WalkedLease.Told;
import relay.guards.Await;

/**
 * Workers of two clients acquire leases at two accounts and tell of them, each call at any of two
 * replicas. Some calls are sent twice, some at once with another, some late; some workers die.
 */
final class LeaseWalk implements AutoCloseable {
  private static final int STEPS = 90;
  private static final int RECENT = 8; // leases that calls are mostly about
  private static final int SHORT_TTL_MS = 1_000;

  private final Replicas replicas;
  private final RedisSocket redis;
  private final LeasePlace place;
  private final Random random;
  private final LeaseLedger ledger;
  private final List<WalkedLease> leases = new ArrayList<>();
  private final Map<String, String> sessions = new HashMap<>(); // the account of each
  private final List<String> story = new ArrayList<>();
  private final WalkedCalls calls;
  private int keys;

  /** What an acquire asks for. */
  private record Wish(
      String client, String session, boolean isPartial, int requests, long input, String body) {}

  LeaseWalk(Replicas replicas, LeasePlace place, Random random) throws IOException {
    this.replicas = replicas;
    this.place = place;
    this.random = random;
    redis = replicas.redisSocket();
    ledger = new LeaseLedger(redis, place);
    calls = new WalkedCalls(replicas, place, random, ledger, story);
  }

  @Override
  public void close() throws IOException {
    redis.close();
  }

  void go() throws Exception {
    try {
      for (int n = 0; n < STEPS; n++) {
        step();
        if (random.nextInt(6) == 0) {
          ledger.check(leases);
        }
        if (n == STEPS * 2 / 3) {
          outliveTheDead();
        }
      }
      end();
    } catch (Exception | AssertionError e) {
      throw new AssertionError(
          "%s of %s%n%s%n%s"
              .formatted(
                  e.getMessage(),
                  place,
                  String.join("\n", story),
                  String.join("\n", leases.stream().map(WalkedLease::toString).toList())),
          e);
    }
  }

  private void step() throws Exception {
    switch (random.nextInt(16)) {
      case 0, 1, 2, 3 -> acquired(wish(""));
      case 4 -> acquireAtOnce();
      case 5 -> settleBeforeTheAnswer();
      default -> tell();
    }
  }

  /** Some die: nobody tells of them until their time is over. */
  private void outliveTheDead() throws Exception {
    long over =
        leases.stream()
            .filter(lease -> isShort(lease) && !lease.hasEnded())
            .mapToLong(WalkedLease::deadBy)
            .max()
            .orElse(0);
    Await.until("the time of the dead is over", () -> ledger.now() > over);
    story.add("the short ones are dead");
    ledger.check(leases);
  }

  private static boolean isShort(WalkedLease lease) {
    return lease.ttlMicros() == SHORT_TTL_MS * 1_000L;
  }

  private void end() throws Exception {
    for (WalkedLease lease : leases) {
      if (!lease.hasEnded() && !isShort(lease)) {
        calls.settle(
            lease, new Told(-1, lease.input(), Math.max(lease.output(), lease.reported())));
      }
    }
    outliveTheDead();
    ledger.checkEnd(leases);
    int replica = random.nextInt(2);
    ledger.checkPage(() -> replicas.admin(replica, "/pools/" + place.pool()).json(), leases);
  }

  private Wish wish(String more) {
    boolean isLimited = random.nextInt(3) == 0;
    boolean isPartial = !isLimited && random.nextInt(8) == 0;
    int requests = random.nextInt(3) > 0 ? 1 : 1 + random.nextInt(isPartial ? 60 : 12);
    int input = 1 + random.nextInt(2_000);
    String session = random.nextInt(3) == 0 ? "s" + random.nextInt(3) : "";
    int ttl = random.nextInt(4) == 0 ? SHORT_TTL_MS : 100_000 + random.nextInt(800_000);
    String body =
        "{\"model\":\"%s\",\"input_tokens\":%d,\"requests\":%d,\"ttl_ms\":%d"
            .formatted(place.pool(), input, requests, ttl);
    if (random.nextInt(5) > 0) {
      body += ",\"output_tokens\":" + (1 + random.nextInt(500));
    }
    if (!session.isEmpty()) {
      body += ",\"session\":\"" + session + "\"";
    }
    if (isPartial) {
      body += ",\"partial\":true";
    }
    String client = isLimited ? place.limited() : place.free();
    return new Wish(client, client + session, isPartial, requests, input, body + more + "}");
  }

  private static Ask ask(Wish wish) {
    return LeaseWorkers.ask(wish.client, "POST", LeaseWorkers.LEASES, wish.body);
  }

  private String key() {
    return ",\"idempotency_key\":\"k" + keys++ + "\"";
  }

  /** With a key the answer may be asked for again, soon or after the lease has ended. */
  private void acquired(Wish wish) throws Exception {
    boolean isKeyed = random.nextInt(4) == 0;
    Wish asked =
        isKeyed
            ? new Wish(
                wish.client,
                wish.session,
                wish.isPartial,
                wish.requests,
                wish.input,
                wish.body.substring(0, wish.body.length() - 1) + key() + "}")
            : wish;
    long from = ledger.now();
    WalkedLease lease;
    try (RawClient wire = calls.anywhere()) {
      lease = answered(asked, wire.send(ask(asked)).answer(), from);
    }
    if (isKeyed && lease != null) {
      if (random.nextBoolean()) {
        calls.tell(lease);
      }
      repeated(asked, lease);
    }
  }

  private void repeated(Wish wish, WalkedLease lease) throws IOException {
    try (RawClient wire = calls.anywhere()) {
      Answer again = wire.send(ask(wish)).answer();
      assertEquals(200, again.status(), again::text);
      assertEquals(lease.json, again.text(), "a repeated acquire has one effect");
    }
  }

  /** Null if it was refused, as it may be. */
  private @Nullable WalkedLease answered(Wish wish, Answer answer, long from) throws IOException {
    Span when = ledger.since(from);
    story.add("acquire " + wish.body + " for " + wish.client + ": " + answer.status());
    boolean mustHaveRoom = ledger.hasRoom(wish.requests, calls.refusing(), leases);
    if (answer.status() != 200) {
      assertEquals(429, answer.status(), answer::text);
      assertTrue(!mustHaveRoom, answer::text);
      return null;
    }
    JsonNode json = answer.json();
    int requests = json.get("requests").asInt();
    Granted granted =
        new Granted(
            json.get("lease").asText(),
            json.get("account").asText(),
            requests,
            json.at("/reserved/input_tokens").asLong(),
            json.at("/reserved/output_tokens").asLong(),
            json.get("ttl_ms").asLong());
    assertTrue(requests == wish.requests || (wish.isPartial && requests < wish.requests));
    assertEquals(Math.ceilDiv(wish.input * requests, wish.requests), granted.input());
    assertTrue(
        !calls.hasRefused(granted.account(), wish.client, from),
        "an account grants nothing to whom it refused");
    String before = wish.session.equals(wish.client) ? null : sessions.get(wish.session);
    if (before != null && ledger.hasRoom(wish.requests, before, calls.refusing(), leases)) {
      assertEquals(before, granted.account(), "a session stays");
    }
    if (!wish.session.equals(wish.client)) {
      sessions.put(wish.session, granted.account());
    }
    WalkedLease lease =
        new WalkedLease(answer.text(), wish.client, granted, place.isAtAdmission(), when);
    leases.add(lease);
    story.add("  " + lease);
    return lease;
  }

  /** The same call at both replicas is one. */
  private void acquireAtOnce() throws Exception {
    Wish wish = wish(key());
    long from = ledger.now();
    try (RawClient one = calls.anywhere();
        RawClient other = calls.anywhere()) {
      one.send(ask(wish));
      other.send(ask(wish));
      Answer first = one.answer();
      WalkedLease lease = answered(wish, first.status() == 200 ? first : other.answer(), from);
      if (lease != null) {
        Answer second = first.status() == 200 ? other.answer() : first;
        if (second.status() != 429 || ledger.hasRoom(wish.requests, calls.refusing(), leases)) {
          assertEquals(lease.json, second.text(), "two calls at once have one effect");
        }
      }
    }
  }

  /** The answer comes late: the worker has it from a second call, and has settled. */
  private void settleBeforeTheAnswer() throws Exception {
    Wish wish = wish(key());
    long from = ledger.now();
    try (RawClient slow = calls.anywhere();
        RawClient quick = calls.anywhere()) {
      slow.send(ask(wish));
      WalkedLease lease = answered(wish, quick.send(ask(wish)).answer(), from);
      if (lease != null) {
        calls.settle(lease, calls.used(lease));
        Answer late = slow.answer();
        assertEquals(lease.json, late.text(), "the answer of the first");
      }
    }
  }

  /** A recent lease, open or not; seldom any. Those that are to die are mostly left alone. */
  private WalkedLease any() {
    int some = random.nextInt(5) == 0 ? leases.size() : Math.min(RECENT, leases.size());
    WalkedLease lease = leases.get(leases.size() - 1 - random.nextInt(some));
    return isShort(lease) && random.nextInt(3) > 0
        ? leases.get(random.nextInt(leases.size()))
        : lease;
  }

  private void tell() throws Exception {
    if (!leases.isEmpty()) {
      calls.tell(any());
    }
  }

  /** A replica's page of the pool. */
  interface Page {
    JsonNode read() throws IOException;
  }
}
