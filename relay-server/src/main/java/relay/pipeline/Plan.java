package relay.pipeline;

import relay.config.ProviderConfig;
import relay.model.Dialect;
import relay.request.RequestEdits;
import relay.request.RequestFacts;

/**
 * What is to be sent where. The body is the client's but for a mapped model and asked-for usage.
 */
final class Plan {
  private final Route route;
  private final RequestFacts facts;
  private final Dialect dialect;
  private final String upstreamModel;
  private final String modelClass;
  private final boolean asksForUsage;
  private final byte[] body;

  Plan(Route route, RequestFacts facts, byte[] clientBody, Dialect dialect) {
    this.route = route;
    this.facts = facts;
    this.dialect = dialect;
    ProviderConfig provider = route.api().config();
    upstreamModel = provider.modelMapping().getOrDefault(facts.model(), facts.model());
    modelClass = provider.classOf(upstreamModel);
    asksForUsage = dialect == Dialect.OPENAI && facts.stream() && !facts.includeUsage();
    String mapped = upstreamModel.equals(facts.model()) ? null : upstreamModel;
    body =
        mapped == null && !asksForUsage
            ? clientBody
            : RequestEdits.edit(clientBody, facts, mapped, asksForUsage);
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

  /** The model's name at the provider. */
  String upstreamModel() {
    return upstreamModel;
  }

  String modelClass() {
    return modelClass;
  }

  /** Whether Relay asks the stream for usage that the client did not ask for. */
  boolean asksForUsage() {
    return asksForUsage;
  }

  byte[] body() {
    return body;
  }
}
