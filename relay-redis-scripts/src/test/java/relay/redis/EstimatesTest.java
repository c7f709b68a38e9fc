package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import relay.guards.Await;
import relay.redis.estimate.ModelTally;
import relay.redis.model.ExpectedOutput;
import relay.redis.model.Fallback;
import relay.redis.model.Limits;
import relay.redis.model.PoolPlan;

/** What is learned of requests, alone and together. */
@Tag("slow")
final class EstimatesTest {
  private static final Duration WHOLE = Duration.ofDays(365);
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final PoolPlan PLAN =
      Pools.plan(Pools.name("estimates"), Duration.ofMinutes(1), 1, Limits.UNKNOWN);

  private static void learn(Estimates estimates, String model, int times, long bytes, long used) {
    for (int n = 0; n < times; n++) {
      estimates.learn(model, bytes, used, used);
    }
  }

  private static void near(long expected, long actual, long tolerance) {
    assertTrue(Math.abs(expected - actual) <= tolerance, expected + " is not near " + actual);
  }

  @Test
  void an_unused_model_has_a_prior() {
    Estimates estimates = new Estimates();
    assertEquals(251, estimates.inputTokens("m", 1_000));
    assertEquals(1, estimates.inputTokens("m", 0));
    assertEquals(500, estimates.output("m").tokens());
  }

  @Test
  void the_ratio_is_total_tokens_per_total_bytes() {
    Estimates estimates = new Estimates();
    for (int n = 0; n < 500; n++) {
      estimates.learn("m", 100_000, 30_000, 100); // written to the cache
      estimates.learn("m", 100_000, 1_000, 100); // read from it
    }
    near(15_500, estimates.inputTokens("m", 100_000), 200);
  }

  /** As when one replica has served small requests, another large ones as well. */
  @Test
  void a_refused_request_costs_the_same_when_it_comes_back() {
    Estimates estimates = new Estimates();
    ModelTally fleet = new ModelTally();
    for (int n = 0; n < 1_000; n++) {
      fleet.add(1_090, 300, 40);
    }
    estimates.merged(Map.of(), Map.of("m", fleet));
    for (int n = 0; n < 10; n++) {
      estimates.learn("m", 51_890, 13_000, 40);
    }
    Map<String, ModelTally> sent = estimates.send();
    sent.values().forEach(fleet::add);
    estimates.merged(sent, Map.of("m", fleet.copy()));
    long refused = estimates.inputTokens("m", 51_890);
    for (int n = 0; n < 170; n++) {
      fleet.add(1_090, 300, 40);
    }
    estimates.merged(Map.of(), Map.of("m", fleet));
    assertEquals(refused, estimates.inputTokens("m", 51_890));
    for (int n = 0; n < 830; n++) {
      fleet.add(1_090, 300, 40);
    }
    estimates.merged(Map.of(), Map.of("m", fleet));
    assertTrue(refused + 130 < estimates.inputTokens("m", 51_890), "another mix of requests");
  }

  @Test
  void the_expected_output_is_the_mean_and_given_what_was_made_the_mean_of_the_longer_ones() {
    Estimates estimates = new Estimates();
    SplittableRandom random = new SplittableRandom(3);
    double sum = 0;
    double longer = 0;
    int count = 0;
    for (int n = 0; n < 1_000; n++) {
      long tokens = (long) Math.exp(random.nextGaussian(6, 1));
      estimates.learn("m", 0, 0, tokens);
      sum += tokens;
      longer += tokens > 1_024 ? tokens : 0;
      count += tokens > 1_024 ? 1 : 0;
    }
    long mean = Math.round(sum / 1_000);
    near(mean, estimates.output("m").tokens(), mean / 30);
    long spread = Math.round(mean * Math.sqrt(Math.E - 1));
    near(spread, estimates.output("m").spread(), spread / 4);
    long rest = Math.round(longer / count);
    near(rest, estimates.output("m", 1_024, WHOLE).tokens(), rest / 20);
    ExpectedOutput beyond = estimates.output("m", 10_000_000, WHOLE);
    near(15_000_000, beyond.tokens(), 10);
  }

  @Test
  void streams_make_in_sum_what_is_expected_of_them() {
    Estimates estimates = new Estimates();
    SplittableRandom random = new SplittableRandom(5);
    long[] outputs = new long[1_000];
    for (int n = 0; n < outputs.length; n++) {
      outputs[n] = (long) Math.exp(random.nextGaussian(6, 1));
      estimates.learn("m", 0, 0, outputs[n]);
    }
    long expected = 0;
    long real = 0;
    for (long output : outputs) {
      for (long made = 50; made < output; made += 50) {
        expected += estimates.output("m", made, WHOLE).tokens() - made;
        real += output - made;
      }
    }
    near(real, expected, real / 50);
  }

  @Test
  void what_a_stream_makes_beyond_the_horizon_is_not_expected() {
    Estimates estimates = new Estimates(() -> MINUTE);
    for (int n = 0; n < 100; n++) {
      estimates.learn("m", 0, 0, n % 2 == 0 ? 200 : 20_000);
    }
    near(10_000, estimates.output("m").tokens(), 1_500);
    estimates.learnStream("m", 80_000, 20_000, Duration.ofMinutes(10).toNanos()); // 2,000 a minute
    near(20_000, estimates.output("m", 15_000, MINUTE).tokens() + 3_000, 100);
    near(20_000, estimates.output("m", 19_000, MINUTE).tokens(), 2_500);
    near(15_500, estimates.output("m", 15_000, MINUTE.dividedBy(4)).tokens(), 10);
    estimates.learn("m", 0, 0, 200);
    near(1_100, estimates.output("m").tokens(), 100);
    near(900, estimates.output("m").spread(), 100);
  }

  @Test
  void a_model_that_nobody_has_used_is_guessed_by_its_line() {
    Estimates estimates = new Estimates();
    long opus = estimates.output("claude-opus-4-6").tokens();
    long haiku = estimates.output("claude-haiku-4-5").tokens();
    assertTrue(opus > estimates.output("m").tokens(), "an opus writes more: " + opus);
    assertTrue(haiku < estimates.output("m").tokens(), "a haiku writes less: " + haiku);
    assertEquals(haiku, estimates.output("gpt-5-mini").tokens());
    assertEquals(opus, estimates.output("o3").tokens());
    assertEquals(1, estimates.output("text-embedding-3-small").tokens());
    learn(estimates, "claude-opus-4-6", 20, 1_000, 60);
    assertTrue(estimates.output("claude-opus-4-6").tokens() < 200, "twenty samples outweigh it");
  }

  @Test
  void few_samples_outweigh_the_prior() {
    Estimates estimates = new Estimates();
    learn(estimates, "long", 1, 1_000, 8_000);
    near(3_000, estimates.output("long").tokens(), 400);
    learn(estimates, "short", 50, 1_000, 10);
    assertTrue(estimates.output("short").tokens() < 35);
  }

  @Test
  void an_implausible_report_has_little_effect() {
    Estimates estimates = new Estimates();
    learn(estimates, "m", 1_000, 1_000, 100);
    estimates.learn("m", 10, Long.MAX_VALUE, Long.MAX_VALUE);
    estimates.learn("m", Long.MAX_VALUE, 0, -5);
    learn(estimates, "m", 5_000, 1_000, 100);
    assertTrue(estimates.inputTokens("m", 1_000) >= 1);
    near(100, estimates.output("m").tokens(), 20);
  }

  @Test
  void models_are_bounded_and_reading_creates_none() {
    Estimates estimates = new Estimates();
    for (int n = 0; n < 2_000; n++) {
      assertEquals(500, estimates.output("asked for " + n).tokens());
    }
    for (int n = 0; n < 2_000; n++) {
      estimates.learn("m" + n, 1_000, 10, 5_000);
    }
    assertEquals(
        estimates.output("m1999").tokens(),
        estimates.output("m1998").tokens(),
        "they share the rest");
    assertTrue(estimates.output("never seen").tokens() > 4_000, "of many 5,000s");
    int sent = 0;
    for (Map<String, ModelTally> some = estimates.send();
        !some.isEmpty();
        some = estimates.send()) {
      assertTrue(some.size() <= 4, "so many models in one call: " + some.size());
      sent += some.size();
    }
    assertEquals(500, sent);
  }

  @Test
  void every_model_gets_its_turn_however_busy_others_are() {
    Estimates estimates = new Estimates();
    Set<String> sent = new HashSet<>();
    for (int turn = 0; turn < 10; turn++) {
      for (int model = 0; model < 40; model++) {
        learn(estimates, "m" + model, model, 1_000, 100);
      }
      Map<String, ModelTally> some = estimates.send();
      sent.addAll(some.keySet());
      estimates.outcomeUnknown(some);
    }
    assertEquals(39, sent.size(), "all but the one that nobody used");
  }

  @Test
  void samples_in_flight_count_once_whatever_the_outcome() {
    Estimates estimates = new Estimates();
    learn(estimates, "m", 100, 1_000, 100);
    long known = estimates.inputTokens("m", 1_000_000);
    Map<String, ModelTally> sent = estimates.send();
    assertEquals(known, estimates.inputTokens("m", 1_000_000));
    assertTrue(estimates.send().isEmpty(), "it is sent once");
    estimates.notSent(sent);
    assertEquals(known, estimates.inputTokens("m", 1_000_000));
    assertEquals(100, estimates.send().values().iterator().next().samples);
    estimates.outcomeUnknown(sent);
    assertEquals(known, estimates.inputTokens("m", 1_000_000));
    assertTrue(estimates.send().isEmpty(), "what may have arrived is not sent again");
    ModelTally fleet = new ModelTally();
    fleet.add(1_000_000_000, 500_000_000, 7);
    estimates.merged(Map.of(), Map.of("m", fleet, "other", fleet));
    assertEquals(
        300_001, estimates.inputTokens("m", 1_000_000), "one sample and four guessed ones");
    assertEquals(300_001, estimates.inputTokens("other", 1_000_000));
  }

  @Test
  void replicas_learn_from_each_other_and_a_new_one_starts_with_their_estimates() {
    String url = RedisUnderTest.url();
    try (RedisEngine a = RedisEngine.start(Pools.options(url, "a", Fallback.OPEN));
        RedisEngine b = RedisEngine.start(Pools.options(url, "b", Fallback.OPEN))) {
      Estimates one = a.pool(PLAN).estimates();
      Estimates two = b.pool(PLAN).estimates();
      learn(one, "m", 200, 100_000, 1_000);
      learn(two, "m", 200, 100_000, 3_000);
      Await.until("both know the mean", PATIENCE, () -> knowsTheMean(one) && knowsTheMean(two));
      try (RedisEngine c = RedisEngine.start(Pools.options(url, "c", Fallback.OPEN))) {
        Estimates fresh = c.pool(PLAN).estimates();
        Await.until("the new one knows it, too", PATIENCE, () -> knowsTheMean(fresh));
        // The first two may still be told each other's last samples.
        Await.until("both estimate alike", PATIENCE, () -> outputsDiffer(one, fresh) <= 10);
      }
    }
  }

  private static long outputsDiffer(Estimates one, Estimates other) {
    return Math.abs(one.output("m").tokens() - other.output("m").tokens());
  }

  private static boolean knowsTheMean(Estimates estimates) {
    return Math.abs(estimates.inputTokens("m", 100_000) - 2_230) < 60
        && Math.abs(estimates.output("m").tokens() - 2_000) < 200;
  }

  @Test
  void without_redis_a_replica_learns_alone() {
    try (RedisEngine engine =
        RedisEngine.start(Pools.options("redis://127.0.0.1:1", "alone", Fallback.OPEN))) {
      Estimates estimates = engine.pool(PLAN).estimates();
      learn(estimates, "m", 5_000, 1_000, 40);
      near(41, estimates.inputTokens("m", 1_000), 2);
      near(40, estimates.output("m").tokens(), 8);
    }
  }
}
