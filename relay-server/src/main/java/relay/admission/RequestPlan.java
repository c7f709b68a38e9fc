package relay.admission;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import relay.config.KnownApi;
import relay.config.ProviderConfig;
import relay.config.ProviderConfig.Affinity;
import relay.config.ProviderConfig.ModelClass;
import relay.config.ServiceTiers.Tier;
import relay.estimate.Estimator;
import relay.metrics.ClientMeters;
import relay.model.Counting;
import relay.model.Dialect;
import relay.redis.KeyPool;
import relay.redis.ProviderBreaker.Passage;
import relay.redis.model.Acquisition;
import relay.redis.model.Demand;
import relay.redis.model.PoolSnapshot;

/** A request as one provider counts it. */
public final class RequestPlan {
  private final Route route;
  private final LeaseRequest request;
  private final String upstreamModel;
  private final String modelClass;
  private final Counting counting;
  private final String kind; // of the class's requests; empty for none
  private final boolean ofOtherQuota;
  private final boolean ofManyModels;
  private boolean failed; // a failure of this request counts already

  RequestPlan(Route route, LeaseRequest request) {
    this.route = route;
    this.request = request;
    ProviderConfig provider = route.api().config();
    upstreamModel = provider.upstreamModel(request.model());
    counting = provider.countingOf(request.model());
    String ownClass = ownClass();
    ofManyModels = provider.modelsAlone() && ownClass.equals(ModelClass.DEFAULT);
    Tier tier = request.tier(route.api().tiers());
    modelClass = tier.isOwn() ? route.pool().subQuota(ownClass, tier.name()) : ownClass;
    kind = tier.isNamed() && !tier.isOwn() ? route.pool().kind(ownClass, tier.name()) : "";
    ofOtherQuota = !modelClass.equals(ownClass);
  }

  /** A model without a class has one of its own where the provider counts each model alone. */
  private String ownClass() {
    ProviderConfig provider = route.api().config();
    String known = provider.classOf(request.model());
    return provider.modelsAlone() && request.counted() && known.equals(ModelClass.DEFAULT)
        ? route.pool().subQuota(known, KnownApi.lineOf(upstreamModel))
        : known;
  }

  public Route route() {
    return route;
  }

  LeaseRequest request() {
    return request;
  }

  /** For the meters of a client. */
  ClientMeters.Served served(String client) {
    return new ClientMeters.Served(
        client, route.api().config().name(), request.model(), upstreamModel, request.serviceTier());
  }

  public Dialect dialect() {
    return request.dialect();
  }

  /** Whether it counts against its key's limits. */
  public boolean counted() {
    return request.counted();
  }

  /** Whether the request and its answer pass unparsed. */
  public boolean unread() {
    return request.unread();
  }

  /** The demand on a key that reserves no tokens. No account holds a prompt cache for it. */
  Demand uncountedDemand() {
    return Demand.of(modelClass, 0, 0).pinnedTo(request.states());
  }

  /** The demand on a key. */
  Demand demand(Estimator.Estimate estimate, Claim claim) {
    return Demand.of(modelClass, estimate.inputTokens(), estimate.outputTokens())
        .comingWith(estimate.outputSpread())
        .inSession(session(claim.caller().name()))
        .pinnedTo(request.states())
        .ofKind(kind)
        .sharing(claim.share(route.api().config()).marked(request.mark(), request.attempt()));
  }

  /** The session that stays on one account; empty if none does. */
  private String session(String client) {
    boolean stays = route.api().config().pooling().affinity() == Affinity.SESSION;
    return stays ? SessionSlot.of(client, request.session()) : "";
  }

  /**
   * Acquires a key, and reserves the demand if the request is counted. Cancel the future if the key
   * is no longer needed.
   *
   * @param most how long the request may wait for capacity
   */
  CompletableFuture<Acquisition> acquire(Demand demand, Duration most) {
    return counted()
        ? route.pool().acquire(request.asked(demand), most)
        : route.pool().pick(demand);
  }

  /** How long the provider lets a request wait for capacity, over all its attempts. */
  Duration maxWait() {
    return request.maxWait(route.api().config().pooling().maxWait());
  }

  /** Whether the provider's pool refuses requests, as of its last heartbeat. */
  boolean isOfShortPool() {
    PoolSnapshot latest = route.pool().latest();
    return latest != null && latest.isShort();
  }

  /** Tells the breaker that the provider answered. */
  void succeeded(Passage passage, String client) {
    route.breaker().succeeded(passage, client, upstreamModel);
  }

  /**
   * Tells the breaker that the provider failed at this request, which may be the request's fault.
   * The retries of a request count as one failure, but the result of a trial is always needed.
   */
  void failed(Passage passage, String client) {
    if (!failed || passage instanceof Passage.Trial) {
      failed = true;
      route.breaker().failed(passage, client, upstreamModel);
    }
  }

  /** Tells the breaker that there was no connection. The retries count as one failure. */
  void unreachable(Passage passage) {
    if (!failed || passage instanceof Passage.Trial) {
      failed = true;
      route.breaker().failed(passage);
    }
  }

  /** The model's name at the provider. */
  public String upstreamModel() {
    return upstreamModel;
  }

  /** How the provider counts its tokens. */
  public Counting counting() {
    return counting;
  }

  /** The class of models whose limits it counts against. */
  public String modelClass() {
    return modelClass;
  }

  /** Whether it names a tier that its account may refuse alone, with a limit of its own or not. */
  boolean namesTier() {
    return ofOtherQuota || !kind.isEmpty();
  }

  /**
   * The account refuses this request's tier, or another one that its refusal names: only that cools
   * down.
   *
   * @param named empty for the request's own
   * @return false if no more tiers can be told apart
   */
  boolean coolTier(String account, String named, Duration howLong) {
    KeyPool pool = route.pool();
    if (named.isEmpty() && ofOtherQuota) {
      pool.coolGroup(account + "/" + modelClass, howLong);
      return true;
    }
    if (!named.isEmpty() && route.api().tiers().tier(named).isOwn()) {
      String other = pool.subQuota(modelClass, named);
      pool.coolGroup(account + "/" + other, howLong);
      return true;
    }
    String refused = named.isEmpty() ? kind : pool.kind(modelClass, named);
    if (!refused.isEmpty()) {
      pool.coolKind(account, modelClass, refused, howLong);
    }
    return !refused.isEmpty();
  }

  /** Whether what an answer states is of the quota of this class, and may be learned for it. */
  boolean learnsLimits() {
    return counted() && !ofOtherQuota && !ofManyModels;
  }
}
