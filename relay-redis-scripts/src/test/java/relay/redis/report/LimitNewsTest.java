package relay.redis.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import relay.redis.model.Limits;
import relay.redis.model.PoolSnapshot;
import relay.redis.model.PoolSnapshot.GroupState;
import relay.redis.model.Remaining;
import relay.redis.model.Usage;

/** Which of a provider's stated limits cost a call to Redis. */
final class LimitNewsTest {
  private static final long SECOND = 1_000_000_000;
  private static final Limits LIMITS = new Limits(100, 30_000, 8_000, 0);

  private static final Usage UNUSED = new Usage(0, 0, 0);

  private final LimitNews news = new LimitNews();
  private long nanos;

  private boolean isNews(Limits limits, Remaining remaining, @Nullable PoolSnapshot latest) {
    return news.isNews("acme/default", limits, remaining, latest, Duration.ofMinutes(1), nanos);
  }

  private static PoolSnapshot used(long requests, long inputTokens, long outputTokens) {
    return snapshot(new Usage(requests, inputTokens, outputTokens), LIMITS);
  }

  private static PoolSnapshot learned(Limits learned) {
    return snapshot(Usage.NONE, learned);
  }

  private static PoolSnapshot snapshot(Usage used, Limits learned) {
    return snapshot(used, learned, 1);
  }

  private static PoolSnapshot snapshot(Usage used, Limits learned, double burst) {
    GroupState group =
        new GroupState(
            "acme/default",
            "acme",
            "default",
            LIMITS,
            used,
            0,
            Duration.ZERO,
            Duration.ZERO,
            learned,
            burst,
            0);
    return new PoolSnapshot(Duration.ZERO, 1, 0, 0, List.of(group), List.of());
  }

  @Test
  void limits_are_news_once() {
    assertTrue(isNews(LIMITS, Remaining.NONE, null));
    nanos += 2 * SECOND;
    assertFalse(isNews(LIMITS, Remaining.NONE, null));
    assertTrue(isNews(new Limits(50, 30_000, 8_000, 0), Remaining.NONE, null));
  }

  @Test
  void a_first_answer_that_confirms_what_redis_has_is_no_news() {
    assertFalse(isNews(LIMITS, Remaining.NONE, used(0, 0, 0)));
    nanos += 10 * SECOND;
    assertTrue(isNews(LIMITS, Remaining.NONE, learned(Limits.UNKNOWN)), "it did not arrive");
  }

  @Test
  void an_answer_without_limits_is_no_news() {
    assertFalse(isNews(Limits.UNKNOWN, new Remaining(0, 0, 0, 0), null));
    assertTrue(isNews(LIMITS, Remaining.NONE, null));
    nanos += 2 * SECOND;
    assertFalse(isNews(new Limits(100, 0, 0, 0), Remaining.NONE, null));
    nanos += 2 * SECOND;
    assertFalse(isNews(LIMITS, Remaining.NONE, null));
    assertTrue(isNews(new Limits(0, 0, 0, 9), Remaining.NONE, null));
    assertEquals(
        new LimitNews.Reported(new Limits(100, 30_000, 8_000, 9), Remaining.NONE, nanos),
        news.reported("acme/default"));
  }

  @Test
  void limits_that_redis_has_lost_are_news_again() {
    assertTrue(isNews(LIMITS, Remaining.NONE, null));
    PoolSnapshot lost = learned(Limits.UNKNOWN);
    nanos += 9 * SECOND;
    assertFalse(isNews(LIMITS, Remaining.NONE, lost), "the snapshot may be older");
    nanos += SECOND;
    assertFalse(isNews(LIMITS, Remaining.NONE, learned(LIMITS)));
    assertTrue(isNews(LIMITS, Remaining.NONE, lost));
    nanos += 2 * SECOND;
    assertFalse(isNews(LIMITS, Remaining.NONE, lost), "it was told just now");
  }

  @Test
  void a_remainder_that_our_own_use_explains_is_no_news() {
    assertFalse(isNews(LIMITS, new Remaining(100, 30_000, 8_000, -1), used(0, 0, 0)));
    for (long step = 0; step <= 75; step++) {
      nanos += 2 * SECOND;
      PoolSnapshot latest = used(step, step * 300, step * 80);
      assertFalse(
          isNews(LIMITS, new Remaining(100 - step, 30_000 - step * 300, -1, 0), latest),
          "at step " + step);
      assertFalse(isNews(LIMITS, new Remaining(100, 30_000, 8_000, 0), latest), "stale");
    }
  }

  @Test
  void foreign_usage_is_news_once_a_second_until_it_is_charged() {
    PoolSnapshot latest = used(10, 3_000, 800);
    assertTrue(isNews(LIMITS, Remaining.NONE, null));
    assertFalse(isNews(LIMITS, new Remaining(90, 5_000, 7_200, -1), latest), "just told");
    nanos += SECOND;
    assertTrue(isNews(LIMITS, new Remaining(90, 5_000, 7_200, -1), latest));
    nanos += SECOND;
    assertTrue(isNews(LIMITS, new Remaining(0, 27_000, 7_200, -1), latest));
    nanos += SECOND;
    assertFalse(isNews(LIMITS, new Remaining(30, 27_000, 7_200, -1), used(70, 3_000, 800)));
  }

  @Test
  void a_nearly_empty_bucket_is_news_although_our_own_use_explains_it() {
    assertTrue(isNews(LIMITS, Remaining.NONE, null));
    nanos += SECOND;
    assertTrue(isNews(LIMITS, new Remaining(24, 30_000, 8_000, -1), used(100, 3_000, 800)));
    assertFalse(isNews(LIMITS, new Remaining(24, 30_000, 8_000, -1), used(100, 3_000, 800)));
  }

  @Test
  void every_remainder_is_news_while_the_burst_is_reduced() {
    assertTrue(isNews(LIMITS, Remaining.NONE, null));
    nanos += SECOND;
    assertFalse(isNews(LIMITS, new Remaining(97, -1, -1, -1), snapshot(UNUSED, LIMITS, 1)));
    assertTrue(isNews(LIMITS, new Remaining(97, -1, -1, -1), snapshot(UNUSED, LIMITS, 0.5)));
    nanos += SECOND;
    assertFalse(isNews(LIMITS, Remaining.NONE, snapshot(UNUSED, LIMITS, 0.5)));
  }

  @Test
  void a_failed_report_is_news_again_a_second_later() {
    assertTrue(isNews(LIMITS, Remaining.NONE, null));
    news.lost("acme/default");
    assertFalse(isNews(LIMITS, Remaining.NONE, null), "an outage is not told with each answer");
    nanos += SECOND;
    assertTrue(isNews(LIMITS, Remaining.NONE, null));
  }

  @Test
  void groups_are_bounded() {
    int told = 0;
    for (int n = 0; n < 30_000; n++) {
      told += news.isNews("g" + n, LIMITS, Remaining.NONE, null, Duration.ofMinutes(1), 0) ? 1 : 0;
    }
    assertEquals(20_000, told);
  }
}
