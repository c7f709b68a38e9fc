package relay.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import relay.e2e.WalkedLease.Span;
import relay.e2e.WalkedLease.Told;

/**
 * The calls of a {@link LeaseWalk} about leases that were granted, and what their answers must be.
 */
final class WalkedCalls {
  private static final long HEARD_OF_MICROS = 3_000_000;
  private static final String COOLS =
      ",\"headers\":{\"retry-after\":\"3600\"},\"body\":\"{\\\"error\\\":{\\\"type\\\":\\\"rate_limit_error\\\"}}\"";

  private final Replicas replicas;
  private final LeasePlace place;
  private final Random random;
  private final LeaseLedger ledger;
  private final List<String> story;
  private final Map<String, Refusal> cooled = new HashMap<>(); // by account

  /**
   * An account refused a client: others may go on there. All replicas hear of it a little later.
   */
  private record Refusal(String client, long heardOf) {}

  /**
   * @param story gets a line for each call
   */
  WalkedCalls(
      Replicas replicas, LeasePlace place, Random random, LeaseLedger ledger, List<String> story) {
    this.replicas = replicas;
    this.place = place;
    this.random = random;
    this.ledger = ledger;
    this.story = story;
  }

  /** The accounts that have refused a client. */
  Set<String> refusing() {
    return cooled.keySet();
  }

  /** Whether an account has refused a client, and all replicas knew it at a time. */
  boolean hasRefused(String account, String client, long at) {
    Refusal refusal = cooled.get(account);
    return refusal != null && refusal.heardOf <= at && refusal.client.equals(client);
  }

  RawClient anywhere() throws IOException {
    return new RawClient(replicas.port(random.nextInt(2)));
  }

  /** One of the calls that a holder may send, or a stranger. */
  void tell(WalkedLease lease) throws Exception {
    switch (random.nextInt(12)) {
      case 0, 1, 2 -> progress(lease);
      case 3 -> observed(lease);
      case 4 -> refused(lease, 400, "");
      case 5 -> {
        boolean isLast = cooled.size() + 1 == place.accounts().size();
        refused(lease, isLast ? 400 : 429, isLast ? "" : COOLS);
      }
      case 6 -> {
        if (lease.mayTellLess()) {
          cancel(lease);
        }
      }
      case 7 -> {
        String more = "{\"input_tokens\":1,\"requests\":" + (lease.requests + 1) + "}";
        assertEquals(400, sent(lease, lease.client, "settle", more).status());
      }
      case 8 -> stranger(lease);
      case 9 -> reportAndSettleAtOnce(lease);
      default -> settle(lease, used(lease));
    }
  }

  /** What was used, mostly; negative tokens are not told. */
  Told used(WalkedLease lease) {
    int requests = random.nextInt(3) == 0 ? random.nextInt(lease.requests + 1) : -1;
    boolean isLess = lease.mayTellLess();
    if (random.nextInt(5) == 0 && (isLess || lease.reported() <= lease.output())) {
      return new Told(requests, -1, -1);
    }
    long least = isLess ? 0 : lease.reported();
    long output = least;
    if (random.nextBoolean()) {
      output += random.nextInt(2 * (int) lease.output() + 1);
    }
    return new Told(requests, random.nextInt(2 * (int) lease.input() + 1), output);
  }

  private static String body(Told told, String first) {
    List<String> members = new ArrayList<>();
    if (!first.isEmpty()) {
      members.add(first);
    }
    if (told.requests() >= 0) {
      members.add("\"requests\":" + told.requests());
    }
    if (told.isKnown()) {
      members.add("\"input_tokens\":" + told.input() + ",\"output_tokens\":" + told.output());
    }
    return "{" + String.join(",", members) + "}";
  }

  /** What a call changes if it is done. */
  private interface Effect {
    void at(Span when);
  }

  /** Sends a call, sometimes twice. */
  private void told(WalkedLease lease, String call, String body, Effect effect) throws Exception {
    for (int n = random.nextInt(4) == 0 ? 2 : 1; n > 0; n--) {
      long from = ledger.now();
      Answer answer = sent(lease, lease.client, call, body);
      judge(lease, call, body, answer, ledger.since(from), effect);
    }
  }

  private void judge(
      WalkedLease lease, String call, String body, Answer answer, Span when, Effect effect) {
    story.add(call + " " + body + ": " + answer.status() + " of " + lease);
    Set<Integer> allowed = lease.allowed(call, when);
    assertTrue(allowed.contains(answer.status()), () -> allowed + " but " + answer);
    if (answer.status() == 200) {
      effect.at(when);
    }
  }

  private static Ask ask(WalkedLease lease, String client, String call, String body) {
    String path = LeaseWorkers.LEASES + "/" + lease.id;
    return call.equals("cancel")
        ? LeaseWorkers.ask(client, "DELETE", path, "")
        : LeaseWorkers.ask(client, "POST", path + "/" + call, body);
  }

  private Answer sent(WalkedLease lease, String client, String call, String body)
      throws IOException {
    try (RawClient wire = anywhere()) {
      return wire.send(ask(lease, client, call, body)).answer();
    }
  }

  private void progress(WalkedLease lease) throws Exception {
    long made = reports(lease);
    told(lease, "progress", made(made), when -> lease.progressed(made, when));
  }

  private static String made(long tokens) {
    return "{\"output_tokens\":" + tokens + "}";
  }

  /** Reports grow, but some come late. */
  private long reports(WalkedLease lease) {
    return random.nextInt(4) == 0
        ? random.nextInt((int) lease.reported() + 1)
        : lease.reported() + random.nextInt(300);
  }

  private void observed(WalkedLease lease) throws Exception {
    told(lease, "observed", "{\"headers\":{\"x\":\"y\"}}", lease::renewed);
  }

  void settle(WalkedLease lease, Told told) throws Exception {
    told(lease, "settle", body(told, ""), when -> lease.settled(told, when));
  }

  private void cancel(WalkedLease lease) throws Exception {
    told(lease, "cancel", "", _ -> lease.cancelled());
  }

  private void refused(WalkedLease lease, int status, String more) throws Exception {
    Told used = used(lease);
    Told told = used.requests() == 0 ? new Told(1, used.input(), used.output()) : used;
    told(
        lease,
        "refused",
        body(told, "\"status\":" + status + more),
        when -> {
          lease.refused(told, when);
          if (status == 429) {
            cooled.put(lease.account, new Refusal(lease.client, when.to() + HEARD_OF_MICROS));
          }
        });
  }

  private void stranger(WalkedLease lease) throws Exception {
    String call = List.of("settle", "cancel", "progress", "observed").get(random.nextInt(4));
    assertEquals(404, sent(lease, "stranger", call, "{}").status());
  }

  /** In whichever order they arrive: the settle counts, and the report may find the lease. */
  private void reportAndSettleAtOnce(WalkedLease lease) throws Exception {
    if (lease.hasEnded() || !lease.mayTellLess() || lease.reported() > 0) {
      return;
    }
    Told told = used(lease);
    long made = reports(lease);
    long from = ledger.now();
    try (RawClient one = anywhere();
        RawClient other = anywhere()) {
      one.send(ask(lease, lease.client, "progress", made(made)));
      other.send(ask(lease, lease.client, "settle", body(told, "")));
      int reported = one.answer().status();
      assertTrue(reported == 200 || reported == 404);
      Answer settled = other.answer();
      Span when = ledger.since(from);
      if (reported == 200) {
        lease.progressed(made, when);
      }
      judge(lease, "settle", body(told, ""), settled, when, at -> lease.settled(told, at));
    }
  }
}
