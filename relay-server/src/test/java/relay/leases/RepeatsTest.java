package relay.leases;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import relay.embedded.EmbeddedRedis;
import relay.guards.Await;
import relay.leases.Repeats.Turn;
import relay.pool.Configs;
import relay.redis.Notes;
import relay.redis.RedisEngine;

/** A call whose turn is over does not disturb a newer one with the same key. */
@SuppressWarnings("NullAway.Init") // fields are set before each test
class RepeatsTest {
  private EmbeddedRedis redis;
  private RedisEngine engine;
  private Notes notes;
  private Repeats here;
  private Repeats there;

  @BeforeEach
  void start() throws IOException {
    redis = EmbeddedRedis.start();
    engine =
        RedisEngine.start(
            Configs.replica(
                Configs.of("providers: [{name: p, type: openai, keys: [{key: k, id: a}]}]"),
                redis.url(),
                "a"));
    Await.until("Redis is up", engine::isUp);
    notes = engine.notes("fleet");
    here = new Repeats(notes);
    there = new Repeats(notes);
  }

  @AfterEach
  void stop() throws IOException {
    engine.close();
    redis.close();
  }

  private static Turn begin(Repeats at) {
    return at.begin("team", "key", Duration.ZERO, () -> true);
  }

  /** It was taken for lost. */
  private void expire() {
    String name = "idempotency:" + LeaseCall.hash("team\nkey");
    notes.drop(name, notes.read(name).join()).join();
  }

  @Test
  void a_refusal_that_comes_late_leaves_a_newer_call_alone() {
    Turn.First late = assertInstanceOf(Turn.First.class, begin(here));
    assertInstanceOf(Turn.Busy.class, begin(there));
    expire();
    Turn.First newer = assertInstanceOf(Turn.First.class, begin(there));
    late.refused();
    assertInstanceOf(Turn.Busy.class, begin(here));
    newer.granted("{}");
    late.refused();
    assertEquals(new Turn.Answered("{}"), begin(here));
  }

  @Test
  void after_its_own_refusal_the_next_one_asks_anew() {
    assertInstanceOf(Turn.First.class, begin(here)).refused();
    assertInstanceOf(Turn.First.class, begin(there));
  }
}
