package relay.admission;

import org.jspecify.annotations.Nullable;
import relay.auth.Clients.Caller;
import relay.config.ClientPriority;
import relay.config.ProviderConfig;
import relay.pool.ClientShares;
import relay.redis.model.Share;

/**
 * What a request may claim of a pool that is short.
 *
 * @param asked the priority that it asks for itself; null if it asks for none
 */
record Claim(ClientShares shares, Caller caller, @Nullable ClientPriority asked) {

  Share share(ProviderConfig provider) {
    return shares.of(caller.name(), caller.restrictions(), asked, provider);
  }
}
