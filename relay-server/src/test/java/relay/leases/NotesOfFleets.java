package relay.leases;

import java.io.IOException;
import relay.embedded.EmbeddedRedis;
import relay.guards.Await;
import relay.pool.Configs;
import relay.redis.Notes;
import relay.redis.RedisEngine;

/** A Redis of its own, and the notes that fleets keep there. */
final class NotesOfFleets implements AutoCloseable {
  private final EmbeddedRedis redis;
  private final RedisEngine engine;

  NotesOfFleets() throws IOException {
    redis = EmbeddedRedis.start();
    engine =
        RedisEngine.start(
            Configs.replica(
                Configs.of("providers: [{name: p, type: openai, keys: [{key: k, id: a}]}]"),
                redis.url(),
                "a"));
    Await.until("Redis is up", engine::isUp);
  }

  Notes of(String fleet) {
    return engine.notes(fleet);
  }

  @Override
  public void close() throws IOException {
    engine.close();
    redis.close();
  }
}
