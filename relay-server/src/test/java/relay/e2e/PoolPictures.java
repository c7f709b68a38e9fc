package relay.e2e;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import relay.guards.Await;

/**
 * What a replica and Redis hold of all pools, read again and again while somebody asks for it: one
 * reading for all who wait.
 */
final class PoolPictures implements AutoCloseable {
  private static final long PAUSE_NANOS = 100_000_000;

  /** Of all pools in one round trip. */
  private static final String FAILURES =
      "local all = {} for n, key in ipairs(KEYS) do"
          + " all[n] = redis.call('HGET', key, 'failures') or '0' end return all";

  private final Replicas replicas;
  private final RedisSocket redis;
  private long begun; // readings so far; guarded by this, as the next
  private boolean reading;
  private volatile Map<String, Picture> latest = Map.of();

  PoolPictures(Replicas replicas) throws IOException {
    this.replicas = replicas;
    redis = replicas.redisSocket();
  }

  /**
   * One pool.
   *
   * @param used requests, input and output tokens
   * @param keys the number of keys in each state
   * @param failures what its breaker has counted
   */
  record Picture(List<Long> used, Map<String, Integer> keys, long failures) {}

  /** A picture of each pool that was begun after this call. */
  Map<String, Picture> next() throws Exception {
    long wanted;
    synchronized (this) {
      wanted = begun + 1;
    }
    while (true) {
      synchronized (this) {
        while (reading) {
          wait();
        }
        if (begun >= wanted) {
          return latest;
        }
        reading = true;
        begun++;
      }
      try {
        latest = read();
        Await.moment(System.nanoTime() + PAUSE_NANOS);
      } finally {
        synchronized (this) {
          reading = false;
          notifyAll();
        }
      }
    }
  }

  private Map<String, Picture> read() throws IOException {
    JsonNode pools = replicas.admin(0, "/pools").json().get("pools");
    List<String> command = new ArrayList<>(List.of("EVAL", FAILURES, pools.size() + ""));
    pools.forEach(pool -> command.add("relay:{" + pool.get("name").asText() + "}:breaker"));
    List<String> failures = redis.list(command.toArray(String[]::new));
    Map<String, Picture> pictures = new HashMap<>();
    for (int n = 0; n < pools.size(); n++) {
      JsonNode pool = pools.get(n);
      pictures.put(pool.get("name").asText(), picture(pool, Long.parseLong(failures.get(n))));
    }
    return pictures;
  }

  private static Picture picture(JsonNode pool, long failures) {
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
    return new Picture(List.of(requests, input, output), keys, failures);
  }

  @Override
  public void close() throws IOException {
    redis.close();
  }
}
