package relay.e2e;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a replica and Redis hold of one pool.
 *
 * @param used requests, input and output tokens
 * @param keys the number of keys in each state
 * @param failures what its breaker has counted
 */
record PoolPicture(List<Long> used, Map<String, Integer> keys, long failures) {

  static PoolPicture of(Replicas replicas, String name) throws IOException {
    JsonNode pool = replicas.admin(0, "/pools/" + name).json();
    long requests = 0;
    long input = 0;
    long output = 0;
    Map<String, String> accounts = new HashMap<>();
    for (JsonNode group : pool.get("groups")) {
      requests += group.at("/used/rpm").asLong();
      input += group.at("/used/itpm").asLong();
      output += group.at("/used/otpm").asLong();
      boolean cooling = group.get("cooldown_ms").asLong() > 0;
      accounts.put(group.get("account").asText(), cooling ? "cooling" : "active");
    }
    Map<String, Integer> keys = new TreeMap<>();
    for (JsonNode key : pool.get("keys")) {
      String status = key.get("status").asText();
      String account = accounts.get(key.get("account").asText());
      keys.merge(status.equals("active") ? account : status, 1, Integer::sum);
    }
    try (RedisSocket redis = replicas.redisSocket()) {
      String failures = redis.hash("relay:{" + name + "}:breaker").getOrDefault("failures", "0");
      return new PoolPicture(List.of(requests, input, output), keys, Long.parseLong(failures));
    }
  }
}
