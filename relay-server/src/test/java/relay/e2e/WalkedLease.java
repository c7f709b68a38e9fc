package relay.e2e;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** A lease as its holder knows it: which answers calls about it must get, and what it charges. */
final class WalkedLease {
  private static final Set<Integer> DONE = Set.of(200);
  private static final Set<Integer> NOT_FOUND = Set.of(404);

  /** Deadlines are rounded up to this; a replica's clock may differ by a part of it. */
  private static final long TICK_MICROS = 200_000;

  final String json; // the answer that granted it
  final String id;
  final String client;
  final String account;
  final int requests;
  private final long input;
  private final long output;
  private final boolean atAdmission; // the output is charged then
  private final long ttlMicros;
  private final Charge base;
  private final List<Charge> more = new ArrayList<>();
  private State state = State.OPEN;
  private boolean isKept; // with all that it has charged, as after its death
  private long reported;
  private int reports;
  private Span deadline;

  private enum State {
    OPEN,
    SETTLED,
    CLOSED
  }

  /** When something happened at Redis: in between, in microseconds. */
  record Span(long from, long to) {
    Span plus(long micros) {
      return new Span(from + micros, to + micros);
    }
  }

  /** What a group's window holds since a time. */
  record Charge(Span when, long requests, long input, long output) {}

  /** What the body of a settle or of a refusal tells; negative for nothing. */
  record Told(int requests, long input, long output) {
    boolean isKnown() {
      return input >= 0;
    }
  }

  WalkedLease(String json, String client, Granted granted, boolean atAdmission, Span when) {
    this.json = json;
    this.client = client;
    this.atAdmission = atAdmission;
    id = granted.id;
    account = granted.account;
    requests = granted.requests;
    input = granted.input;
    output = granted.output;
    ttlMicros = granted.ttlMs * 1_000;
    base = new Charge(when, requests, input, atAdmission ? output : 0);
    more.add(base);
    deadline = when.plus(ttlMicros);
  }

  /** What an answer to an acquire tells. */
  record Granted(String id, String account, int requests, long input, long output, long ttlMs) {}

  /** Which statuses an answer to a call of this name may have. */
  Set<Integer> allowed(String call, Span when) {
    boolean settles = call.equals("settle");
    return switch (state) {
      case OPEN -> settles || isAlive(when) ? DONE : isDead(when) ? NOT_FOUND : Set.of(200, 404);
      case SETTLED -> settles ? DONE : NOT_FOUND;
      case CLOSED -> NOT_FOUND;
    };
  }

  private boolean isAlive(Span when) {
    return when.to < deadline.from - TICK_MICROS;
  }

  private boolean isDead(Span when) {
    return when.from > deadline.to + TICK_MICROS;
  }

  /** Whether it counts as open: surely, or perhaps. */
  boolean isOpen(Span when, boolean perhaps) {
    return state == State.OPEN && (perhaps ? !isDead(when) : isAlive(when));
  }

  boolean hasEnded() {
    return state != State.OPEN;
  }

  /** The output that was reported. */
  long reported() {
    return reported;
  }

  long output() {
    return output;
  }

  long input() {
    return input;
  }

  /** When it is dead unless its holder renews it. */
  long deadBy() {
    return deadline.to + 2 * TICK_MICROS;
  }

  long ttlMicros() {
    return ttlMicros;
  }

  /** Less than was reported is corrected where the last report counted it: in full after one. */
  boolean mayTellLess() {
    return reports <= 1;
  }

  /** A call renewed it. */
  void renewed(Span when) {
    Span next = when.plus(ttlMicros);
    deadline = new Span(Math.max(deadline.from, next.from), Math.max(deadline.to, next.to));
  }

  /** A call reported output, and renewed it. */
  void progressed(long tokens, Span when) {
    renewed(when);
    if (tokens > reported) {
      if (!atAdmission) {
        more.add(new Charge(when, 0, 0, tokens - reported));
      }
      reported = tokens;
      reports++;
    }
  }

  /** A settle was answered; the first one counts. */
  void settled(Told told, Span when) {
    if (state == State.OPEN) {
      state = State.SETTLED;
      charge(told.isKnown() ? told : new Told(told.requests, input, output), when);
    }
  }

  void cancelled() {
    state = State.CLOSED;
    more.clear();
  }

  /** A refusal was told. Without tokens what was reported stays, or else the requests alone. */
  void refused(Told told, Span when) {
    state = State.CLOSED;
    int sent = told.requests < 0 ? 1 : told.requests;
    boolean isUntold = told.input <= 0 && told.output <= 0;
    isKept = isUntold && reported > 0;
    if (!isKept) {
      charge(told.isKnown() ? told : new Told(sent, 0, 0), when);
    }
  }

  private void charge(Told used, Span when) {
    int sent = used.requests < 0 ? requests : used.requests;
    long known = atAdmission ? output : reported;
    Span reportedAt = more.getLast().when;
    if (used.output < known || atAdmission) {
      more.clear(); // of one report at most
    } else {
      more.remove(base);
    }
    long first = atAdmission ? Math.min(used.output, output) : 0;
    more.add(new Charge(base.when, sent, Math.min(used.input, input), first));
    if (!atAdmission && used.output < known) {
      more.add(new Charge(reportedAt, 0, 0, used.output));
    }
    long beyond = Math.max(0, used.output - known);
    more.add(new Charge(when, 0, Math.max(0, used.input - input), beyond));
  }

  /** What its account's window holds of it. */
  List<Charge> charges() {
    return List.copyOf(more);
  }

  /** What its client's own limits hold of it: there the output is reserved, as the input is. */
  long[] ofClient() {
    if (state == State.OPEN || isKept) {
      return new long[] {requests, input, Math.max(output, reported)};
    }
    long[] sum = new long[3];
    for (Charge charge : more) {
      sum[0] += charge.requests;
      sum[1] += charge.input;
      sum[2] += charge.output;
    }
    return sum;
  }

  @Override
  public String toString() {
    return "%s %s of %s: %s, %d requests, %d input, %d output, %d made in %d reports"
        .formatted(
            id.substring(id.length() - 6),
            account,
            client,
            state,
            requests,
            input,
            output,
            reported,
            reports);
  }
}
