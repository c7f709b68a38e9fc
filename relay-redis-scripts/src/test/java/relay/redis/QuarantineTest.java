package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import relay.redis.model.Quarantine;

/** What is known of a quarantined key: why, since when, and when it is probed next. */
final class QuarantineTest {
  private static final Duration PAUSE = Duration.ofMinutes(10);

  private final PlannedFleet fleet = new PlannedFleet();
  private final RedisEngine engine = fleet.engine("r1");
  private final KeyPool pool = engine.pool(fleet.plan(100, "a", "b"));

  @AfterEach
  void close() {
    fleet.close();
  }

  private Quarantine of(String key) {
    return pool.operator().quarantines(List.of(key)).join().getFirst();
  }

  private String reason(String key) {
    return pool.snapshot().join().keys().stream()
        .filter(one -> one.id().equals(key))
        .map(one -> String.valueOf(one.quarantine()))
        .findFirst()
        .orElseThrow();
  }

  private Instant redisTime() {
    List<byte[]> time = fleet.wire().redis().time();
    long millis = Long.parseLong(ScriptConnection.text(time.getFirst())) * 1000;
    return Instant.ofEpochMilli(millis + Long.parseLong(ScriptConnection.text(time.get(1))) / 1000);
  }

  @Test
  void it_has_a_beginning_which_ends_with_it() {
    assertEquals(new Quarantine(null, 0, null), of("a"));
    Instant before = redisTime();
    pool.operator().quarantine("a", "why").join();
    Instant since = Objects.requireNonNull(of("a").since());
    assertFalse(since.isBefore(before) || since.isAfter(redisTime()), since + " " + before);
    pool.operator().quarantine("a", "why else").join();
    assertEquals(since, of("a").since(), "it goes on");
    assertNull(of("b").since());
    pool.operator().restore("a").join();
    assertNull(of("a").since());
    assertFalse(fleet.wire().redis().exists(fleet.keys().quarantine) > 0, "nothing is left");
  }

  @Test
  void a_turn_to_probe_it_is_told() {
    pool.operator().quarantine("a", "why").join();
    Instant before = redisTime();
    engine.probation(fleet.name()).turn(List.of("a"), PAUSE).join();
    Quarantine known = of("a");
    assertEquals(0, known.tries());
    Instant next = Objects.requireNonNull(known.next());
    assertFalse(next.isBefore(before.plus(PAUSE)) || next.isAfter(redisTime().plus(PAUSE)));
  }

  /** Else a probe would end what an operator decided. */
  @Test
  void an_operators_reason_replaces_any_other_and_is_not_replaced() {
    for (String before : List.of("spend_limit", "provider answered 401")) {
      pool.quarantine(List.of("a"), before);
      pool.operator().quarantine("a", "operator: leaked").join();
      assertEquals("operator: leaked", reason("a"));
      pool.quarantineRefused(List.of("a"), before);
      assertEquals("operator: leaked", reason("a"));
      assertNotNull(of("a").since());
      pool.operator().restore("a").join();
    }
  }

  @Test
  void of_many_keys_each_has_its_own() {
    List<String> ids = IntStream.range(0, 450).mapToObj(n -> "k" + n).toList();
    KeyPool large = fleet.engine("r2").pool(fleet.large(450));
    large.operator().quarantine("k7", "why").join();
    large.operator().quarantine("k449", "why").join();
    List<Quarantine> all = large.operator().quarantines(ids).join();
    assertEquals(
        List.of(7, 449),
        IntStream.range(0, all.size()).filter(n -> all.get(n).since() != null).boxed().toList());
    assertEquals(List.of(), large.operator().quarantines(List.of()).join());
  }
}
