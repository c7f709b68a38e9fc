package relay.pipeline;

import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import relay.config.ProviderConfig;
import relay.config.ProviderConfig.Affinity;
import relay.model.Dialect;
import relay.model.Endpoint;
import relay.redis.Acquisition;
import relay.redis.Demand;
import relay.request.RequestEdits;
import relay.request.RequestFacts;

/**
 * What is to be sent where. The body is the client's but for a mapped model and asked-for usage.
 */
final class Plan {
  private static final Set<String> REPEATABLE = Set.of("GET", "HEAD", "OPTIONS", "PUT", "DELETE");

  private final Route route;
  private final @Nullable Endpoint endpoint;
  private final RequestFacts facts;
  private final Dialect dialect;
  private final String method;
  private final String upstreamModel;
  private final String modelClass;
  private final boolean asksForUsage;
  private final byte[] body;

  /** For a request that was read. */
  Plan(Route route, RequestFacts facts, byte[] clientBody, Endpoint endpoint) {
    this.route = route;
    this.endpoint = endpoint;
    this.facts = facts;
    this.dialect = endpoint.dialect();
    this.method = "POST";
    ProviderConfig provider = route.api().config();
    upstreamModel = provider.modelMapping().getOrDefault(facts.model(), facts.model());
    modelClass = provider.classOf(upstreamModel);
    asksForUsage = endpoint == Endpoint.CHAT_COMPLETIONS && facts.stream() && !facts.includeUsage();
    String mapped = upstreamModel.equals(facts.model()) ? null : upstreamModel;
    body =
        mapped == null && !asksForUsage
            ? clientBody
            : RequestEdits.edit(clientBody, facts, mapped, asksForUsage);
  }

  /** For a request that passes unread. */
  Plan(Route route, Dialect dialect, String method, byte[] clientBody) {
    this.route = route;
    this.endpoint = null;
    this.facts = RequestFacts.UNREAD;
    this.dialect = dialect;
    this.method = method;
    upstreamModel = facts.model();
    modelClass = route.api().config().classOf(upstreamModel);
    asksForUsage = false;
    body = clientBody;
  }

  Route route() {
    return route;
  }

  RequestFacts facts() {
    return facts;
  }

  Dialect dialect() {
    return dialect;
  }

  String method() {
    return method;
  }

  /** Where a request goes that Relay reads; null when it passes unread. */
  @Nullable Endpoint endpoint() {
    return endpoint;
  }

  /** Whether it counts against its key's limits. */
  boolean counted() {
    return endpoint != null && endpoint.counted();
  }

  /**
   * Whether it may be sent again when it is not known what became of it. To generate twice costs
   * tokens; to create a batch twice costs its user a second batch.
   */
  boolean repeatable() {
    return endpoint != null || REPEATABLE.contains(method);
  }

  /** What it needs of a key. */
  Demand demand(long inputTokens, long outputTokens) {
    return Demand.of(modelClass, inputTokens, outputTokens).inSession(session());
  }

  /** The conversation that stays on one account; empty if none does. */
  private String session() {
    boolean stays = route.api().config().pooling().affinity() == Affinity.SESSION;
    return stays && counted() ? facts.session() : "";
  }

  /**
   * A key for it: with what it needs reserved there, if it is counted, for which it may be held.
   * Cancel it when nobody wants it any longer.
   */
  CompletableFuture<Acquisition> acquire(Demand demand) {
    return counted()
        ? route.pool().acquire(demand, route.api().config().pooling().maxWait())
        : route.pool().pick(demand);
  }

  /** The model's name at the provider. */
  String upstreamModel() {
    return upstreamModel;
  }

  String modelClass() {
    return modelClass;
  }

  /** The client's bound on the output, or what stands for it; negative if it gave none. */
  long maxOutputTokens() {
    return endpoint == Endpoint.EMBEDDINGS ? 0 : facts.maxOutputTokens();
  }

  /** Whether Relay asks the stream for usage that the client did not ask for. */
  boolean asksForUsage() {
    return asksForUsage;
  }

  byte[] body() {
    return body;
  }
}
