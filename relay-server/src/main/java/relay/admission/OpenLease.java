package relay.admission;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import relay.auth.Clients.Caller;
import relay.model.TokenUsage;
import relay.model.Weights;
import relay.redis.KeyPool;
import relay.redis.ProviderBreaker.Passage;
import relay.redis.model.Ending;
import relay.redis.model.ExpectedOutput;
import relay.redis.model.Lease;
import relay.redis.model.LeaseRef;
import relay.redis.model.Usage;
import relay.upstream.ProviderApi;
import relay.upstream.ProviderReply;

/**
 * A lease that its holder ends, while a replica answers one call about it: perhaps another replica
 * than the one that granted it. What the holder tells has the effects that an answer has which
 * Relay got itself. First the lease ends in Redis; only if it was still open has the call any
 * further effect, so a call that is repeated has none. The methods block, and throw without Redis.
 */
public final class OpenLease {
  private final ClientQuotas quotas;
  private final RequestPlan plan;
  private final LeaseGrant grant;
  private final Caller caller;
  private final RequestRecord record;

  OpenLease(
      ClientQuotas quotas,
      Route route,
      LeaseGrant grant,
      LeaseRequest request,
      Caller caller,
      RequestRecord record) {
    this.quotas = quotas;
    this.grant = grant;
    this.caller = caller;
    this.record = record;
    plan = new RequestPlan(route, request);
    record.target(route.name(), request.model());
    record.leaseOf(grant.lease().key());
  }

  /**
   * Its requests were sent and answered.
   *
   * @param requests that were sent
   * @param usage of all of them; null if it is unknown: then what was reserved is charged
   */
  public Ending settle(int requests, @Nullable TokenUsage usage) {
    return settle(requests, usage, false);
  }

  private Ending settle(int requests, @Nullable TokenUsage usage, boolean isRefusal) {
    ReportedUsage told = new ReportedUsage(usage, usage != null, false);
    Ended ended = new Ended(pool(), grant.lease(), requests, isRefusal);
    Lease lease = ended.lease();
    Lease ofClient =
        grant.ofClient() == null ? null : ofClient(grant.ofClient(), requests, isRefusal);
    ClientQuota quota = quotas.again(caller, ofClient);
    Charge all = Charge.seen(plan, told, lease, 0);
    Charge charge = servedAtMost().of(all);
    quota.carriedBy(lease, this::reserved);
    lease.settle(charge.inputTokens(), charge.outputTokens());
    quota.answered(lease, told, 0);
    quota.end(); // both endings travel at once
    Ending ending = ended.answer();
    if (ending == Ending.SETTLED) {
      Admitted admitted = admitted(lease, quota, stops());
      quotas.count(caller, new Usage(requests, charge.inputTokens(), charge.outputTokens()));
      boolean teaches = charge.equals(all) && !isRefusal; // a refused request makes nothing
      admitted.used(teaches ? told : new ReportedUsage(usage, false, false));
      if (usage == null) {
        record.charged(charge.inputTokens(), charge.outputTokens());
      }
      if (requests > 0 && !isRefusal) {
        record.meters().upstreamResponse(grant.provider(), lease.key(), 200);
        admitted.succeeded();
        admitted.served();
      }
    }
    return ending;
  }

  /** Nothing was sent. */
  public boolean cancel() {
    boolean isDone = endForGood(Usage.NONE);
    if (isDone) {
      plan.route().breaker().abandoned(passage());
    }
    return isDone;
  }

  /**
   * The provider refused a request, which ends the lease. For the account it is as if the same
   * request had been served elsewhere: the holder is trusted.
   *
   * @param requests that were sent, with the refused one
   * @param usage of them; null if it is unknown. Then the lease stays charged as when its holder
   *     dies, if output was reported, and else with the requests alone
   * @return false if the lease was not open
   */
  public boolean refused(ProviderReply reply, int requests, @Nullable TokenUsage usage) {
    boolean isDone =
        usage == null
            ? endForGood(new Usage(requests, 0, 0))
            : settle(requests, usage, true) == Ending.SETTLED;
    if (!isDone) {
      return false;
    }
    Stops stops = stops();
    Failure failure = admitted(idle(grant.lease()), ClientQuota.NONE, stops).answered(reply);
    if (failure instanceof Failure.Stopped stop) {
      stops.refused(plan, stop);
      stops.served();
    }
    return true;
  }

  /**
   * The provider told limits in a good answer.
   *
   * @return false if the lease was not open
   */
  public boolean observed(ProviderReply reply, Duration ttl) {
    boolean isOpen = progress(new Lease.Progress(0, 0, 0), 0, ttl);
    if (isOpen) {
      admitted(idle(grant.lease()), ClientQuota.NONE, stops()).observed(reply);
    }
    return isOpen;
  }

  /**
   * Its requests have made so much output by now. Renews it.
   *
   * @return false if the lease was not open
   */
  public boolean progress(long outputTokens, Duration ttl) {
    long rest = Math.max(0, reserved().tokens().outputTokens() - outputTokens);
    long spread = 0;
    if (plan.request().outputTokens() < 0 && plan.request().requests() == 1) {
      ExpectedOutput all =
          plan.route()
              .pool()
              .estimates()
              .output(plan.upstreamModel(), outputTokens, plan.route().pool().plan().window());
      long most = plan.request().maxOutputTokens();
      long tokens = most < 0 ? all.tokens() : Math.min(most, all.tokens());
      rest = Math.max(0, tokens - outputTokens);
      spread = Math.min(rest, all.spread());
    }
    Weights weights = plan.counting().weights();
    Lease.Progress made =
        new Lease.Progress(
            servedAtMost().output(weights.output(outputTokens)),
            weights.output(rest),
            weights.output(spread));
    return progress(made, outputTokens, ttl);
  }

  private boolean progress(Lease.Progress made, long outputTokens, Duration ttl) {
    CompletableFuture<Boolean> isOpen = pool().progress(grant.lease(), made, 0, ttl);
    KeyPool clients = quotas.pool();
    if (grant.ofClient() != null && clients != null) {
      Lease lease = idle(grant.lease());
      ClientQuota quota = quotas.again(caller, idle(grant.ofClient()));
      quota.carriedBy(lease, this::reserved);
      long cost = quota.costSoFar(lease, outputTokens);
      clients.progress(grant.ofClient(), made, cost, ttl).join();
    }
    return isOpen.join();
  }

  /** Ends both leases: no later call finds them. */
  private boolean endForGood(Usage used) {
    CompletableFuture<Ending> ending = pool().end(grant.lease(), used, 0);
    KeyPool clients = quotas.pool();
    if (grant.ofClient() != null && clients != null) {
      clients.end(grant.ofClient(), used, 0).join();
    }
    boolean isDone = ending.join() == Ending.SETTLED;
    if (isDone) {
      quotas.count(caller, used);
    }
    return isDone;
  }

  private ServedAtMost servedAtMost() {
    return ServedAtMost.since(
        grant.lease(), pool(), TimeUnit.MILLISECONDS.toMicros(System.currentTimeMillis()));
  }

  private KeyPool pool() {
    return plan.route().pool();
  }

  private Stops stops() {
    return new Stops(record.meters(), record.clientName());
  }

  private Passage passage() {
    return grant.isTrial() ? new Passage.Trial() : new Passage.Free();
  }

  private Admitted admitted(Lease lease, ClientQuota quota, Stops stops) {
    ProviderApi api = plan.route().api().having(lease.key());
    return new Admitted(
        record,
        quota,
        plan,
        passage(),
        stops,
        this::reserved,
        lease,
        api == null ? plan.route().api() : api, // the key has gone with a change of configuration
        1);
  }

  private Expected reserved() {
    LeaseRef lease = grant.lease();
    long input = plan.counting().unweighed(lease.inputTokens());
    double weight = plan.counting().weights().output();
    long output = weight == 0 ? 0 : Math.round(lease.outputTokens() / weight);
    return new Expected(plan.upstreamModel(), new TokenUsage(input, 0, 0, output));
  }

  /** A lease whose end has no effect: that came before. */
  private static Lease idle(LeaseRef ref) {
    return lease(ref, (_, _, _) -> {});
  }

  private Lease ofClient(LeaseRef ref, int requests, boolean isFinal) {
    KeyPool clients = quotas.pool();
    return clients == null ? idle(ref) : new Ended(clients, ref, requests, isFinal).lease();
  }

  private static Lease lease(LeaseRef ref, Lease.End end) {
    return new Lease(
        end,
        ref.id(),
        ref.key(),
        ref.group(),
        ref.inputTokens(),
        ref.outputTokens(),
        ref.nanodollars(),
        ref.epoch(),
        ref.grantedMicros(),
        null);
  }

  /** The end of a lease, and what Redis answers to it. */
  private record Ended(
      KeyPool pool,
      LeaseRef ref,
      int requests,
      boolean isFinal,
      AtomicReference<@Nullable CompletableFuture<Ending>> sent) {
    Ended(KeyPool pool, LeaseRef ref, int requests, boolean isFinal) {
      this(pool, ref, requests, isFinal, new AtomicReference<>());
    }

    Lease lease() {
      return OpenLease.lease(
          ref,
          (_, cost, nanodollars) -> {
            Usage used = new Usage(requests, cost.inputTokens(), cost.outputTokens());
            sent.set(
                isFinal ? pool.end(ref, used, nanodollars) : pool.settle(ref, used, nanodollars));
          });
    }

    Ending answer() {
      return Objects.requireNonNull(sent.get()).join();
    }
  }
}
