package relay.admission;

import relay.auth.Clients.Caller;
import relay.model.Dialect;
import relay.pool.Organizations;
import relay.redis.KeyPool;
import relay.redis.Pins;
import relay.redis.ProviderBreaker;
import relay.redis.Refusals;
import relay.upstream.ProviderApi;

/**
 * A provider: its API, its key pool, which accounts made what it keeps, the organisations of its
 * keys, its breaker, and what it refused of late.
 */
public record Route(
    ProviderApi api,
    KeyPool pool,
    Pins pins,
    Organizations organizations,
    ProviderBreaker breaker,
    Refusals refusals,
    OwnProbes probes) {

  /** Whether the provider has the model, and the caller may use it there. */
  public boolean takes(Caller caller, String model) {
    return caller.mayUseProvider(name()) && api.config().serves(model);
  }

  /** Whether the provider speaks the dialect and the caller may use it. */
  public boolean isFor(Caller caller, Dialect dialect) {
    return api.config().dialect() == dialect && caller.mayUseProvider(api.config().name());
  }

  /** The provider's name, which is its pool's. */
  public String name() {
    return api.config().name();
  }
}
