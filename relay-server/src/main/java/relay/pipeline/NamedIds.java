package relay.pipeline;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import relay.body.Payload;
import relay.redis.Pins;
import relay.redis.model.Demand;
import relay.stream.StateIds;

/** The ids in a request of what only the account knows that made it. Redis has their hashes. */
final class NamedIds {
  /** The longest unparsed body that is searched; a longer one is an upload. */
  private static final int MOST_BYTES = 64 * 1024;

  private NamedIds() {}

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
}
