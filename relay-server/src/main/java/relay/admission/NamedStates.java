package relay.admission;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import relay.redis.Pins;
import relay.redis.model.Lease;
import relay.stream.StateIds;

/**
 * What a request names and only the account knows that made it: a stored answer, a conversation, a
 * file, a container, a batch, encrypted reasoning. Redis has hashes of the ids, each with its
 * account.
 */
final class NamedStates {
  private NamedStates() {}

  /** The providers that may serve it: the one of the account that made what is named, if known. */
  static List<Route> owners(List<Route> chosen, List<String> hashes) {
    if (hashes.isEmpty() || chosen.size() < 2) {
      return chosen; // the call for a key finds the account
    }
    List<CompletableFuture<Optional<String>>> asked =
        chosen.stream().map(route -> route.pins().owner(hashes)).toList();
    for (int n = 0; n < asked.size(); n++) {
      Optional<String> owner = asked.get(n).exceptionally(failure -> Optional.empty()).join();
      if (owner.isPresent()) {
        return List.of(chosen.get(n));
      }
    }
    return chosen;
  }

  /**
   * Remembers that the lease's account made what an answer names, and that it knows what the
   * request named.
   *
   * @param client whose request it was
   * @return completes when Redis has it, or cannot be asked
   */
  static CompletableFuture<?> pin(
      Route route, String client, Lease lease, List<String> named, @Nullable StateIds answered) {
    List<String> made =
        answered == null
            ? List.of()
            : answered.ids().stream().map(Pins::hash).filter(h -> !named.contains(h)).toList();
    return made.isEmpty() && named.isEmpty()
        ? CompletableFuture.completedFuture(true)
        : route
            .pins()
            .pin(client, Failure.accountOf(lease), made, named)
            .handle((done, failure) -> true);
  }
}
