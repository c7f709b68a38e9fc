package relay.pipeline;

import org.jspecify.annotations.Nullable;
import relay.auth.Clients.Caller;
import relay.config.ClientPriority;
import relay.config.ProviderConfig.Pooling;
import relay.pool.ClientShares;
import relay.redis.Share;

/**
 * What a request may claim of a pool that is short.
 *
 * @param asked the priority that it asks for itself; null if it asks for none
 */
record Standing(ClientShares shares, Caller caller, @Nullable ClientPriority asked) {
  static final String HEADER = "x-relay-priority";

  /** Null if clients have no shares. */
  @Nullable Share share(Pooling pooling) {
    return shares.of(caller.restrictions(), asked, pooling);
  }

  /** Null if there is no such priority. */
  static @Nullable ClientPriority priority(String word) {
    return switch (word.strip()) {
      case "interactive" -> ClientPriority.INTERACTIVE;
      case "standard" -> ClientPriority.STANDARD;
      case "batch" -> ClientPriority.BATCH;
      default -> null;
    };
  }
}
