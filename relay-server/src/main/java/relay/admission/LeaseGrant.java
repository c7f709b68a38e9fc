package relay.admission;

import org.jspecify.annotations.Nullable;
import relay.redis.model.LeaseRef;

/**
 * What any replica must know of a lease that its holder ends.
 *
 * @param provider whose pool granted it
 * @param ofClient what is reserved of the client's own limits; null for nothing
 * @param isTrial whether the provider's breaker lets its request try
 */
public record LeaseGrant(
    String provider, LeaseRef lease, @Nullable LeaseRef ofClient, boolean isTrial) {

  /** The requests that may be sent: a client's own limits may have had room for fewer. */
  public int requests() {
    return ofClient == null ? lease.requests() : Math.min(lease.requests(), ofClient.requests());
  }
}
