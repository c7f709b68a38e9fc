package relay.redis.walk;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The end of leases, in the model. */
final class EndingModel {
  private static final List<Object> ENDED = List.of(0L);

  private final PoolModel pool;
  private final LeasesModel leases;
  private boolean ended; // whether the present call ended a lease
  private final List<Moved> moves = new ArrayList<>();

  /** A lease's output has moved: by what was newly made, and by what the debt has grown. */
  record Moved(String group, long micros, long newly, long debt) {}

  /** What has moved since the last time. */
  List<Moved> moves() {
    List<Moved> all = List.copyOf(moves);
    moves.clear();
    return all;
  }

  EndingModel(PoolModel pool, LeasesModel leases) {
    this.pool = pool;
    this.leases = leases;
  }

  /** Ends leases in a separate call. */
  List<Object> settle(Clock clock, List<Step.Cost> costs) {
    Runnable rewind = pool.rewinder();
    List<Object> reply = new ArrayList<>(List.of(1L, pool.isKnown() ? pool.time(clock) : 0L));
    ended = false;
    reply.addAll(end(costs));
    if (!ended) { // nothing is written, not even the pool's time
      rewind.run();
    }
    return reply;
  }

  /** As the script: what a heartbeat does first. */
  List<Object> sweep(Clock clock) {
    if (!pool.isKnown()) {
      return PoolModel.UNKNOWN;
    }
    long now = pool.time(clock);
    return List.of(
        1L, now, leases.sweep(now, LeasesModel.MOST, pool.shape().windowMicros()) ? 1L : 0L);
  }

  /** Ends leases, each with its requests, input and output tokens. */
  List<Object> end(List<Step.Cost> costs) {
    return costs.stream().<Object>map(this::end).toList();
  }

  /**
   * A refusal that tells no use leaves a lease charged as its death does, if output was reported.
   */
  private static Step.Cost charged(Step.Cost cost, LeaseModel lease) {
    boolean isRefusal = lease.lasts() && cost.closes() && cost.requests() > 0;
    if (!isRefusal || cost.input() + cost.output() > 0 || lease.made == 0) {
      return cost;
    }
    long output = lease.isComing() ? lease.made : lease.output;
    return new Step.Cost(cost.id(), lease.requests, lease.input, output, true);
  }

  private long end(Step.Cost told) {
    LeaseModel lease = leases.get(told.id());
    Step.Cost cost = lease == null ? told : charged(told, lease);
    if (leases.hasEnded(cost.id())) {
      return leases.isClosed(cost.id()) ? -3 : -4;
    }
    if (lease == null) {
      if (pool.isKnown() && cost.requests() == 0) {
        leases.bury(cost.id(), pool.last(), pool.last());
        ended = true;
      }
      return -3;
    }
    if (cost.closes() && lease.lasts() && lease.deadline <= pool.last()) {
      return -3;
    }
    long overInput = Math.max(0, cost.input() - lease.input);
    long overOutput = Math.max(0, cost.output() - lease.output);
    GroupLevels.of(pool.group(lease.group))
        .forEach(g -> correct(g, lease, cost, overInput, overOutput));
    if (lease.isComing()) {
      report(pool.group(lease.group), lease, pool.last(), cost.output(), 0, 0);
    }
    leases.end(lease, pool.last(), cost.closes());
    ended = true;
    return overInput + overOutput;
  }

  private void correct(
      GroupModel g, LeaseModel lease, Step.Cost cost, long overInput, long overOutput) {
    boolean coming = lease.isComing();
    long more = coming ? 0 : overOutput;
    g.flow(pool.last(), pool.shape());
    g.charge(
        pool.last(),
        pool.shape(),
        Math.max(0, cost.requests() - lease.requests),
        g.others.notForeign(1, overInput, lease.since, pool.last(), pool.shape()),
        g.others.notForeign(2, more, lease.since, pool.last(), pool.shape()));
    boolean died = lease.lasts() && lease.deadline <= pool.last();
    long oldest = pool.shape().slotOf(pool.last()) - GroupModel.SLOTS;
    boolean left = died && pool.shape().slotOf(lease.since) < oldest;
    if (lease.since > 0 && !left) { // else its record was gone, and its charge has aged out
      g.refund(
          lease.since,
          pool.last(),
          pool.shape(),
          Math.max(0, lease.requests - cost.requests()),
          Math.max(0, lease.input - cost.input()),
          coming ? 0 : Math.max(0, lease.output - cost.output()));
    }
    if (cost.input() + cost.output() > 0) {
      g.refusals = 0;
    }
    if (g.day != null) {
      long tokens = cost.input() + cost.output() - lease.input - lease.output;
      g.day.settle(lease.since, pool.last(), cost.requests() - lease.requests, tokens);
    }
  }

  private void report(GroupModel g, LeaseModel lease, long now, long made, long rest, long spread) {
    long newly = made - lease.made;
    moves.add(new Moved(lease.group, now, newly, newly + rest - lease.rest));
    if (g.above != null) {
      g.above.expect(lease, now, pool.shape(), newly, rest, spread);
    }
    g.report(lease, now, pool.shape(), made, rest, spread);
  }

  /** What a lease that has expired still expected is given back. */
  void expired(LeaseModel lease) {
    GroupModel g = pool.groups.get(lease.group);
    if (g != null && lease.isComing()) {
      long told = lease.told;
      report(g, lease, pool.last(), lease.made, 0, 0);
      lease.told = told;
    }
  }

  List<Object> renew(Clock clock, long leaseMicros, List<HeldLease> held) {
    if (!pool.isKnown()) {
      return PoolModel.UNKNOWN;
    }
    long now = pool.time(clock);
    boolean late = now >= clock.ceiling() + LeasesModel.TOMB;
    List<Object> reply = new ArrayList<>(List.of(1L, now));
    Set<String> told = new HashSet<>(); // an id may occur twice: its first report counts
    for (HeldLease one : held) {
      boolean isFirst = told.add(one.id());
      LeaseModel lease = leases.get(one.id());
      if (lease == null && !leases.hasEnded(one.id()) && !one.key().isEmpty() && !late) {
        lease = again(one, now);
      }
      boolean died = lease != null && lease.lasts() && (!lease.live || lease.deadline <= now);
      if (lease != null
          && !died
          && pool.knows("k:" + lease.key)
          && pool.knows("g:" + lease.group)) {
        HeldLease.Report made = isFirst ? one.report() : null;
        if (made != null && lease.isComing() && made.made() > lease.made) {
          report(pool.group(lease.group), lease, now, made.made(), made.rest(), made.spread());
        } else if (made != null && !lease.isComing() && lease.lasts()) {
          lease.made = Math.max(lease.made, Math.min(made.made(), lease.output));
        }
        if (isFirst && one.ttlMs() > 0) {
          leases.renew(lease, LeasesModel.deadline(now, one.ttlMs() * 1_000));
        } else if (isFirst && one.report() == null) {
          leases.renew(lease, LeasesModel.deadline(now, leaseMicros));
        } else if (isFirst) {
          leases.report(lease, now, leaseMicros);
        }
        reply.add(1L);
      } else {
        reply.add(0L);
      }
    }
    return reply;
  }

  /** A forgotten lease: what it reserved has aged out, or was lost with the state. */
  private LeaseModel again(HeldLease one, long now) {
    long oldest = pool.shape().slotOf(now) - GroupModel.SLOTS;
    boolean lost = one.epoch() != pool.epoch() || pool.shape().slotOf(one.granted()) >= oldest;
    return new LeaseModel(
        one.id(),
        one.key(),
        one.group(),
        lost ? now : 0,
        lost ? 0 : 1,
        lost ? 0 : one.input(),
        lost ? 0 : one.output(),
        -1,
        0);
  }

  List<Object> charge(Clock clock, ChargeStep c) {
    GroupModel g = pool.groups.get(c.group());
    if (!pool.isKnown() || g == null) {
      return PoolModel.UNKNOWN;
    }
    if (leases.hasEnded(c.id()) || leases.get(c.id()) != null) {
      return ENDED;
    }
    long now = pool.time(clock);
    if (pool.knows("k:" + c.key())) {
      long deadline = LeasesModel.deadline(now, c.leaseMs() * 1_000);
      long since = now - c.parts().getFirst().ago();
      leases.add(
          new LeaseModel(
              c.id(),
              c.key(),
              c.group(),
              since,
              c.requests(),
              c.input(),
              c.output(),
              -1,
              deadline));
    } else {
      leases.bury(c.id(), now + pool.shape().windowMicros(), now);
    }
    for (GroupModel level : GroupLevels.of(g)) {
      level.flow(now, pool.shape());
      count(level, now, c);
      if (level.day != null) {
        level.day.charge(now, c.requests(), c.input() + c.output());
      }
    }
    return List.of(1L, now);
  }

  /**
   * Usage counts at its time; what has aged out does not. What flowed off while it was used is no
   * debt, unless that is all that bounds it.
   */
  private void count(GroupModel g, long now, ChargeStep late) {
    Shape shape = pool.shape();
    double flown = shape.bucket() ? 0 : (double) late.spreadMicros() / shape.windowMicros();
    long[] costs = new long[4];
    for (ChargeStep.Part part : late.parts()) {
      long slot = shape.slotOf(now - part.ago());
      if (slot >= shape.slotOf(now) - GroupModel.SLOTS) {
        g.add(slot, part.requests(), part.input(), part.output());
        for (int d = 0; d < 4; d++) {
          costs[d] += GroupModel.cost(d, part.requests(), part.input(), part.output());
        }
      }
    }
    for (int d = 0; d < 4; d++) {
      g.debt[d] += g.limits[d] > 0 ? Math.max(0, costs[d] - g.limits[d] * flown) : 0;
    }
  }
}
