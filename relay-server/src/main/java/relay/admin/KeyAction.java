package relay.admin;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.undertow.server.HttpServerExchange;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Deque;
import java.util.Locale;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.admin.PoolStates.RedisSilent;
import relay.model.DurationText;
import relay.redis.KeyPool;

/** An operator's action on a key, for all replicas. */
enum KeyAction {
  COOLDOWN,
  QUARANTINE,
  RESTORE;

  private static final Logger log = LoggerFactory.getLogger(KeyAction.class);
  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .build();
  private static final String HOW =
      "; give it as ?duration=30s or {\"duration\": \"30s\"}: " + DurationText.ALLOWED;

  /** The action's name in the path. */
  String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  static Optional<KeyAction> named(String word) {
    return Arrays.stream(values()).filter(action -> action.word().equals(word)).findFirst();
  }

  /** Performs the action. Blocks until Redis responds. */
  AdminReply on(KeyPool pool, String key, HttpServerExchange exchange, byte[] body)
      throws RedisSilent {
    ObjectNode done = JsonNodeFactory.instance.objectNode();
    done.put("pool", pool.plan().name()).put("key", key).put("action", word());
    switch (this) {
      case COOLDOWN -> {
        String text = durationText(exchange, body);
        Optional<Duration> duration = DurationText.parse(text);
        if (duration.isEmpty()) {
          return AdminReply.error(400, (text.isEmpty() ? "no" : "bad") + " duration" + HOW);
        }
        PoolStates.await(pool.operatorCooldown(key, duration.get()));
        done.put("duration_ms", duration.get().toMillis());
      }
      case QUARANTINE -> PoolStates.await(pool.operatorQuarantine(key, "operator"));
      case RESTORE -> PoolStates.await(pool.restore(key));
    }
    log.info("an operator asked for {} of key {} in pool {}", word(), key, pool.plan().name());
    return AdminReply.json(done);
  }

  /** The duration of the request; empty if absent. */
  private static String durationText(HttpServerExchange exchange, byte[] body) {
    String ofBody = inBody(new String(body, StandardCharsets.UTF_8));
    Deque<String> parameter = exchange.getQueryParameters().get("duration");
    if (parameter == null) {
      return ofBody;
    }
    return parameter.size() == 1 && ofBody.isEmpty() ? parameter.getFirst() : "several";
  }

  private static String inBody(String body) {
    try {
      return body.isBlank() ? "" : JSON.readTree(body).path("duration").asText("");
    } catch (JsonProcessingException e) { // also for a second duration, or anything after it
      return "not JSON";
    }
  }
}
