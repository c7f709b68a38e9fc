package relay.redis;

import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import relay.redis.lease.AcquireCalls;
import relay.redis.lease.BudgetLedger;
import relay.redis.lease.LastingLease;
import relay.redis.lease.LastingLeases;
import relay.redis.lease.LeaseEndings;
import relay.redis.lease.LeaseIds;
import relay.redis.lease.LeaseRenewals;
import relay.redis.lease.OutageDebt;
import relay.redis.link.AcceptedCalls;
import relay.redis.link.Alarm;
import relay.redis.link.RedisLink;
import relay.redis.model.Ending;
import relay.redis.model.EngineOptions;
import relay.redis.model.Lease;
import relay.redis.model.LeaseRef;
import relay.redis.model.PoolPlan;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.Usage;
import relay.redis.outage.FairShare;
import relay.redis.outage.OutageGrants;
import relay.redis.report.ProviderReports;
import relay.redis.script.Introductions;
import relay.redis.script.PoolScripts;
import relay.redis.waiting.WaitingRoom;

/** The parts of a pool, from below. */
final class PoolComposition {
  final RedisLink link;
  final EngineOptions options;
  final AcceptedCalls accepted = new AcceptedCalls(System::nanoTime);
  final PoolScripts scripts;
  final FairShare fairShare;
  final Picking picking;
  final EstimateExchange exchange;
  final ProviderReports reports;
  final BudgetLedger ledger;
  final LeaseEndings leaseEndings;
  final LastingLeases lasting;
  final LeaseRenewals renewals;
  final AcquireCalls acquires;
  final Retirement retirement;
  final Rekeys rekeys;
  final Heartbeat heartbeat;
  final Sweeps sweeps;
  final Grants grants;
  final WaitingRoom room;

  PoolComposition(
      RedisLink link,
      PoolPlan plan,
      EngineOptions options,
      LeaseIds leaseIds,
      Alarm alarm,
      Introductions introductions) {
    this.link = link;
    this.options = options;
    scripts = new PoolScripts(link, plan, options, introductions);
    fairShare = FairShare.of(plan, link, options);
    picking = new Picking(link, scripts, fairShare, options.fallback());
    exchange = new EstimateExchange(scripts);
    reports = new ProviderReports(scripts, fairShare);
    ledger = new BudgetLedger(link, scripts, System::nanoTime);
    OutageDebt debt = new OutageDebt(options.fallback());
    leaseEndings = new LeaseEndings(scripts, ledger, debt, alarm, System::nanoTime);
    lasting = new LastingLeases(scripts, leaseEndings);
    renewals = new LeaseRenewals(scripts, options.lease(), this::latest);
    acquires = new AcquireCalls(scripts, leaseEndings);
    OutageGrants outage =
        new OutageGrants(
            link, this::ended, scripts, fairShare, leaseEndings, ledger, leaseIds, debt);
    retirement = new Retirement(link.timeout());
    rekeys = new Rekeys(scripts);
    heartbeat =
        new Heartbeat(
            link,
            scripts,
            options.replica(),
            fairShare,
            outage,
            accepted,
            new Heartbeat.Senders(leaseEndings, renewals, exchange, rekeys, retirement));
    sweeps = new Sweeps(scripts, alarm);
    grants =
        new Grants(
            link,
            scripts,
            this::ended,
            leaseIds,
            new Grants.Running(
                acquires, leaseEndings, lasting, renewals, ledger, outage, retirement),
            accepted,
            heartbeat);
    room = new WaitingRoom(grants::acquire, alarm, System::nanoTime);
  }

  private @Nullable PoolSnapshot latest() {
    return heartbeat.latest();
  }

  /** As {@link KeyPool#settle(LeaseRef, Usage, long)}, or for good. */
  CompletableFuture<Ending> ended(LeaseRef lease, Usage used, long nanodollars, boolean isFinal) {
    ledger.uses(lease.key());
    return lasting
        .end(lease, used, nanodollars, isFinal)
        .whenComplete((ending, failure) -> room.capacityReturned());
  }

  Lease leaseOf(LeaseRef ref) {
    return new LastingLease(this::ended, ref, null);
  }

  private void ended(Lease lease, Usage cost, long nanodollars) {
    grants.ended(lease, cost, nanodollars);
    room.capacityReturned();
  }
}
