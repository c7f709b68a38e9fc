package relay.redis.simulation;

import java.time.Duration;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import relay.redis.Estimates;
import relay.redis.lease.ReportPace;
import relay.redis.model.ExpectedOutput;
import relay.redis.simulation.AdmissionRule.Ask;
import relay.redis.simulation.AdmissionRule.Pass;
import relay.redis.simulation.SimulatedTraffic.Request;

/** One account behind one admission rule, with the latency between them, in virtual time. */
final class Simulation {
  private static final long ANSWER = 1_000_000; // until an answer begins, or is there
  private static final long TOLD_EVERY = 1_000_000;
  private static final long OTHERS_EVERY = 600_000;
  private static final long CHUNK = 1_000_000;
  private static final long BACK = 20_000; // from the provider, of a refusal
  private static final int MOST_TRIES = 5;
  private static final String MODEL = "model";
  private static final Duration MINUTE = Duration.ofMinutes(1);

  private record Event(long at, long order, Runnable what) implements Comparable<Event> {
    @Override
    public int compareTo(Event other) {
      return at != other.at ? Long.compare(at, other.at) : Long.compare(order, other.order);
    }
  }

  private final AdmissionRule gate;
  private final Account account;
  private final SimulatedTraffic traffic;
  private final Cell cell;
  private final long warm; // until then only refusals count
  private final long end;
  private final Estimates estimates = new Estimates(() -> MINUTE);
  private final LearnedQuantile quantile = new LearnedQuantile();
  private final SplittableRandom backoff = new SplittableRandom(7);
  private final PriorityQueue<Event> events = new PriorityQueue<>();
  private final double speed; // tokens a microsecond
  private long order;
  private long lastAtProvider;
  private long toldAt;
  private long sent;
  private long refused;
  private long refusedLater;
  private long used;
  private long flowed;
  private long pause;

  private Simulation(AdmissionRule gate, Cell cell) {
    this.gate = gate;
    this.cell = cell;
    account = cell.account().open(SimulatedTraffic.LIMIT);
    traffic = new SimulatedTraffic(cell.kind(), cell.size(), cell.replicas());
    speed = cell.size() * SimulatedTraffic.LIMIT / (1e6 * cell.kind().seconds);
    warm = SimulatedTraffic.START + cell.kind().warmMinutes() * Account.MINUTE;
    end = warm + cell.minutes() * Account.MINUTE;
    flowed = warm;
  }

  static Outcome run(AdmissionRule gate, Cell cell) {
    return new Simulation(gate, cell).run();
  }

  private Outcome run() {
    arrive();
    if (cell.account().isShared()) {
      at(SimulatedTraffic.START, () -> others(SimulatedTraffic.START));
    }
    while (!events.isEmpty()) {
      Event next = events.remove();
      if (next.at > end) {
        break;
      }
      next.what.run();
    }
    pause = Math.max(pause, end - flowed);
    double share = (double) used / ((double) SimulatedTraffic.LIMIT * cell.minutes());
    return new Outcome(share, sent, refused, refusedLater, pause);
  }

  private void at(long time, Runnable what) {
    events.add(new Event(time, order++, what));
  }

  /** Others ask for half of the limit, evenly. */
  private void others(long now) {
    account.ask(now, SimulatedTraffic.LIMIT / 2 * OTHERS_EVERY / Account.MINUTE);
    at(now + OTHERS_EVERY, () -> others(now + OTHERS_EVERY));
  }

  /** An answer begins. It states what was left when the request was accepted. */
  private void tell(Pass pass, long now, long left, long fullMs) {
    if (cell.account().isTold() && now >= toldAt + TOLD_EVERY) {
      toldAt = now;
      gate.told(now, pass, left, cell.account().isTimed() ? fullMs : -1);
    }
  }

  private void arrive() {
    Request request = traffic.next();
    at(
        request.at(),
        () -> {
          send(request, request.at(), 1);
          arrive();
        });
  }

  private void send(Request request, long now, int tries) {
    Ask ask = cell.kind() == SimulatedTraffic.Kind.KNOWN ? Ask.of(request.tokens()) : expected();
    Pass pass = gate.admit(now, request.number(), request.replica(), ask);
    if (pass == null) {
      return; // gone
    }
    long there = now + request.delay();
    if (cell.replicas() == 1) { // one connection: requests stay in order
      there = Math.max(there, lastAtProvider);
      lastAtProvider = there;
    }
    long time = there;
    at(time, () -> ask(request, pass, time, tries));
  }

  private Ask expected() {
    ExpectedOutput mean = estimates.output(MODEL);
    long tokens = Math.min(mean.tokens(), gate.largest());
    return new Ask(tokens, mean.spread(), Math.min(quantile.get(), gate.largest()));
  }

  /** What has been made so far is reported while the request runs. */
  private void report(Pass pass, AtomicLong made, long now) {
    ReportPace pace = gate.pace(now);
    if (pace == null || made.get() < 0) {
      return; // it has ended
    }
    ExpectedOutput all = estimates.output(MODEL, made.get(), pace.within());
    long rest = Math.max(1, Math.min(all.tokens(), gate.largest()) - made.get());
    gate.report(now, pass, made.get(), new ExpectedOutput(rest, all.spread()));
    long next = now + pace.every().toNanos() / 1_000;
    at(next, () -> report(pass, made, next));
  }

  private void ask(Request request, Pass pass, long now, int tries) {
    boolean known = cell.kind() == SimulatedTraffic.Kind.KNOWN;
    long wait = account.ask(now, known ? request.tokens() : 0);
    sent++;
    if (wait > 0) {
      refused++;
      refusedLater += now >= warm ? 1 : 0;
      long told = Math.ceilDiv(wait, 1_000_000) * 1_000_000; // in whole seconds
      at(now + BACK, () -> refuse(request, pass, now + BACK, told, tries));
      return;
    }
    if (now >= warm) {
      pause = Math.max(pause, now - flowed);
      flowed = now;
    }
    long left = account.left(now);
    long fullMs = account.fullMs(now);
    at(now + ANSWER, () -> tell(pass, now + ANSWER, left, fullMs));
    if (known) {
      use(now, request.tokens());
      at(now + ANSWER, () -> gate.settle(now + ANSWER, pass, request.tokens()));
    } else {
      AtomicLong made = new AtomicLong();
      at(now + ANSWER, () -> produce(request, pass, now + ANSWER, made));
      ReportPace pace = gate.pace(now);
      if (pace != null) {
        long first = now + ANSWER + pace.every().toNanos() / 1_000;
        at(first, () -> report(pass, made, first));
      }
    }
  }

  private void refuse(Request request, Pass pass, long now, long told, int tries) {
    gate.refused(now, pass, told);
    if (cell.rule() == Rule.NO_LIMITER && tries < MOST_TRIES) {
      long again = now + told + backoff.nextLong(1_000_000L << tries);
      at(again, () -> send(request, again, tries + 1));
    }
  }

  private void produce(Request request, Pass pass, long now, AtomicLong made) {
    long more = Math.min(request.tokens() - made.get(), Math.max(1, Math.round(speed * CHUNK)));
    account.count(now, more);
    use(now, more);
    if (made.addAndGet(more) == request.tokens()) {
      made.set(-1);
      gate.settle(now, pass, request.tokens());
      estimates.learn(MODEL, 0, 0, request.tokens());
      long nanos = Math.round(1_000 * request.tokens() / speed);
      estimates.learnStream(MODEL, request.tokens(), request.tokens(), nanos);
      quantile.learn(request.tokens());
    } else {
      at(now + CHUNK, () -> produce(request, pass, now + CHUNK, made));
    }
  }

  private void use(long now, long tokens) {
    used += now >= warm ? tokens : 0;
  }
}
