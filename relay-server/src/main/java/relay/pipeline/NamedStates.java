package relay.pipeline;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import relay.body.Payload;
import relay.redis.Demand;
import relay.redis.Lease;
import relay.redis.Pins;
import relay.stream.StateIds;

/**
 * What a request names and only the account knows that made it: a stored answer, a conversation, a
 * file, a container, a batch, encrypted reasoning. Redis has hashes of the ids, each with its
 * account.
 */
final class NamedStates {
  /** Of an unparsed body; a longer one is an upload. */
  private static final int MOST_BYTES = 64 * 1024;

  private NamedStates() {}

  /** The hashes of the ids in a parsed body. */
  static List<String> in(Payload body) {
    return hashes(body.withBytes(StateIds::in));
  }

  /** The hashes of the ids in the path and the body of an unparsed request. */
  static List<String> in(String target, @Nullable String contentType, Payload body) {
    List<String> ids = new ArrayList<>(StateIds.inPath(TargetPath.of(target)));
    if (isJson(contentType) && body.length() <= MOST_BYTES) {
      ids.addAll(body.withBytes(StateIds::in));
    }
    return hashes(ids);
  }

  static boolean isJson(@Nullable String contentType) {
    return contentType != null && contentType.regionMatches(true, 0, "application/json", 0, 16);
  }

  private static List<String> hashes(List<String> ids) {
    return ids.stream().limit(Demand.MOST_PINNED).map(Pins::hash).toList();
  }

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
