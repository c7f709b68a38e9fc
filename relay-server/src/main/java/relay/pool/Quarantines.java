package relay.pool;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import relay.redis.KeyPool;
import relay.redis.model.Quarantine;

/** Says of quarantined keys in a pool's JSON since when they are, and when they are probed next. */
public final class Quarantines {
  private Quarantines() {}

  /** Adds it, at the cost of a call if there are any; adds nothing if Redis does not answer. */
  public static CompletableFuture<ObjectNode> addTo(ObjectNode json, KeyPool pool, Instant now) {
    Map<String, ObjectNode> keys = new LinkedHashMap<>();
    for (JsonNode key : json.path("keys")) {
      if (key instanceof ObjectNode object
          && key.path("status").asText().equals(KeyStatus.QUARANTINED.label())) {
        keys.put(key.path("id").asText(), object);
      }
    }
    if (keys.isEmpty()) {
      return CompletableFuture.completedFuture(json);
    }
    return pool.operator()
        .quarantines(List.copyOf(keys.keySet()))
        .handle(
            (known, failure) -> {
              int n = 0;
              for (ObjectNode key : failure == null ? keys.values() : List.<ObjectNode>of()) {
                add(key, known.get(n++), now);
              }
              return json;
            });
  }

  private static void add(ObjectNode key, Quarantine known, Instant now) {
    String reason = key.path("reason").asText();
    if (known.since() != null) {
      key.put("since", PoolJson.seconds(known.since()));
    }
    QuarantineReason.end(reason).ifPresent(end -> key.put("until", PoolJson.seconds(end)));
    if (known.next() != null
        && (QuarantineReason.mayBeProbed(reason) || QuarantineReason.isSpendLimit(reason))) {
      key.put("probes", known.tries());
      key.put("next_probe_ms", Math.max(0, Duration.between(now, known.next()).toMillis()));
    }
  }
}
