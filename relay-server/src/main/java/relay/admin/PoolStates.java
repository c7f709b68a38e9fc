package relay.admin;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.pool.PoolJson;
import relay.pool.Quarantines;
import relay.redis.KeyPool;
import relay.redis.ProviderBreaker;
import relay.redis.model.PoolSnapshot;

/** Reads the pools' states from Redis. Blocks: call it on a virtual thread. */
final class PoolStates {
  private static final Logger log = LoggerFactory.getLogger(PoolStates.class);

  /** A safety net: the engine's own timeout is much shorter. */
  private static final long LONGEST_SECONDS = 30;

  private PoolStates() {}

  /** Redis does not respond. */
  static final class RedisSilent extends Exception {
    private static final long serialVersionUID = 1;

    RedisSilent(Throwable cause) {
      super(cause);
    }

    String text() {
      return "Redis does not answer; see redis.url, and Relay's log";
    }
  }

  /**
   * The pools as JSON, in order.
   *
   * @param served breakers and warnings by pool name: a replica's local state, not read from Redis
   */
  static List<ObjectNode> of(Collection<KeyPool> pools, AdminServer.Served served)
      throws RedisSilent {
    List<CompletableFuture<ObjectNode>> asked =
        pools.stream().map(pool -> ask(pool, served)).toList();
    await(CompletableFuture.allOf(asked.toArray(CompletableFuture[]::new)));
    return asked.stream().map(CompletableFuture::join).toList();
  }

  /**
   * A pool's state.
   *
   * @param ageMs 0 if Redis has just answered
   */
  record Known(PoolSnapshot state, long ageMs) {}

  /** The state now; without an answer of Redis the last known one. */
  static CompletableFuture<Known> known(KeyPool pool) {
    return pool.snapshot()
        .handle(
            (state, failure) -> {
              if (state != null) {
                return new Known(state, 0);
              }
              PoolSnapshot latest = pool.latest();
              if (latest == null) {
                throw new CompletionException(failure);
              }
              return new Known(latest, pool.latestAge().toMillis());
            });
  }

  private static CompletableFuture<ObjectNode> ask(KeyPool pool, AdminServer.Served served) {
    String name = pool.plan().name();
    ProviderBreaker breaker = served.breakers().apply(name);
    return known(pool)
        .thenCompose(
            known -> {
              ObjectNode json = PoolJson.of(pool.plan(), known.state(), breaker.standing());
              PoolJson.warn(json, served.countedApart().apply(name))
                  .put("age_ms", known.ageMs())
                  .put("mode", mode(pool));
              return Quarantines.addTo(json, pool, Instant.now());
            })
        .thenCompose(json -> OpenLeases.addTo(json, pool, served.server().get().auth()));
  }

  private static String mode(KeyPool pool) {
    return pool.fallback()
        .map(fallback -> fallback.name().toLowerCase(Locale.ROOT))
        .orElse("shared");
  }

  static <T> T await(CompletableFuture<T> future) throws RedisSilent {
    try {
      return future.get(LONGEST_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      log.debug("Cannot read from Redis", e);
      throw new RedisSilent(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new RedisSilent(e);
    }
  }
}
