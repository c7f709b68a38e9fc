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
import relay.pool.QuarantineReason;
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
        Optional<String> text = given("duration", exchange, body);
        Optional<Duration> duration = text.flatMap(DurationText::parse);
        if (duration.isEmpty()) {
          String wrong = text.equals(Optional.of("")) ? "no" : "bad";
          return AdminReply.error(400, wrong + " duration" + HOW);
        }
        PoolStates.await(pool.operator().cooldown(key, duration.get()));
        done.put("duration_ms", duration.get().toMillis());
      }
      case QUARANTINE -> {
        Optional<String> reason =
            given("reason", exchange, body).flatMap(QuarantineReason::byOperator);
        if (reason.isEmpty()) {
          return AdminReply.error(400, "bad reason; allowed: " + QuarantineReason.ALLOWED);
        }
        PoolStates.await(pool.operator().quarantine(key, reason.get()));
        done.put("reason", reason.get());
      }
      case RESTORE -> PoolStates.await(pool.operator().restore(key));
    }
    log.info("an operator asked for {} of key {} in pool {}", word(), key, pool.plan().name());
    return AdminReply.json(done);
  }

  /** A value of the request: blank if it is absent, empty if it is given twice, or not in JSON. */
  private static Optional<String> given(String name, HttpServerExchange exchange, byte[] body) {
    Optional<String> ofBody = inBody(name, new String(body, StandardCharsets.UTF_8));
    Deque<String> parameter = exchange.getQueryParameters().get(name);
    if (parameter == null) {
      return ofBody;
    }
    return parameter.size() == 1 && ofBody.equals(Optional.of(""))
        ? Optional.of(parameter.getFirst())
        : Optional.empty();
  }

  private static Optional<String> inBody(String name, String body) {
    try {
      return Optional.of(body.isBlank() ? "" : JSON.readTree(body).path(name).asText(""));
    } catch (JsonProcessingException e) { // also for a second value, or anything after it
      return Optional.empty();
    }
  }
}
