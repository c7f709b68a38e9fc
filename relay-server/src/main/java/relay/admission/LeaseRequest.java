package relay.admission;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import relay.config.ClientPriority;
import relay.config.ServiceTiers;
import relay.config.ServiceTiers.Tier;
import relay.estimate.Estimator;
import relay.model.Dialect;
import relay.redis.model.Demand;
import relay.redis.model.Share;

/** What a request says that wants a key's capacity, however it came. */
public interface LeaseRequest extends Estimator.Size {

  /** In whose words it is refused. */
  Dialect dialect();

  /** Whether it counts against its key's limits. */
  boolean counted();

  /** Whether it passes unparsed: then its failures prove nothing of the provider or the key. */
  boolean unread();

  /** The model, by the client's name of it; empty if none is known. */
  String model();

  /** A hash of its conversation in hexadecimal digits, at least three; empty if it has none. */
  String session();

  /** Hashes of what it names and only one account knows. */
  List<String> states();

  /** The service tier that it names, in the provider's words; empty for none. */
  String serviceTier();

  /** The tier that it names, of those of a provider. */
  Tier tier(ServiceTiers known);

  /** What it and its repetitions have in common, and hardly another request; 0 if unknown. */
  int mark();

  /** Whether it repeats a request of its mark. */
  Share.Attempt attempt();

  /** The priority that it asks for; null for its client's. It may only lower that. */
  @Nullable ClientPriority priority();

  /** Keys to use only as a last resort. */
  default Set<String> avoid() {
    return Set.of();
  }

  /** How long it waits for capacity at most, given the provider's own bound. */
  default Duration maxWait(Duration ofProvider) {
    return ofProvider;
  }

  /** How long after its start attempts may begin. */
  Duration patience();

  /** The demand as a question for a key puts it. Asked for each one. */
  default Demand asked(Demand demand) {
    return demand;
  }

  /**
   * Whether it may be sent again after an attempt that failed.
   *
   * @param maybeProcessed whether the provider may have begun to work
   */
  boolean mayRepeat(boolean maybeProcessed);
}
