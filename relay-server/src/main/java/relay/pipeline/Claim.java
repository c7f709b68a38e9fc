package relay.pipeline;

import org.jspecify.annotations.Nullable;
import relay.auth.Clients;
import relay.auth.Clients.Caller;
import relay.config.ClientPriority;
import relay.config.ProviderConfig;
import relay.model.RelayError;
import relay.pool.ClientShares;
import relay.redis.Share;

/**
 * What a request may claim of a pool that is short.
 *
 * @param asked the priority that it asks for itself; null if it asks for none
 */
record Claim(ClientShares shares, Caller caller, @Nullable ClientPriority asked) {
  private static final String HEADER = "x-relay-priority";

  static Claim of(Clients clients, Caller caller, ClientExchange client) {
    String word = client.header(HEADER);
    return new Claim(clients.shares(), caller, word == null ? null : priority(word));
  }

  /** Why the request's priority is none; null if it is one, or if it states none. */
  static @Nullable RelayError fault(ClientExchange client) {
    String word = client.header(HEADER);
    return word == null || priority(word) != null
        ? null
        : RelayError.invalid(
            HEADER + " must be interactive, standard or batch: it may lower a client's priority");
  }

  Share share(ProviderConfig provider) {
    return shares.of(caller.name(), caller.restrictions(), asked, provider);
  }

  private static @Nullable ClientPriority priority(String word) {
    return switch (word.strip()) {
      case "interactive" -> ClientPriority.INTERACTIVE;
      case "standard" -> ClientPriority.STANDARD;
      case "batch" -> ClientPriority.BATCH;
      default -> null;
    };
  }
}
