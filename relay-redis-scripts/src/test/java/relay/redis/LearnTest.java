package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lettuce.core.RedisCommandExecutionException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletionException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.redis.estimate.ModelTally;
import relay.redis.estimate.OutputBuckets;
import relay.redis.library.ScriptFile;
import relay.redis.script.RedisKeys;

/** The fleet's tallies, merged in Redis by {@code learn}. */
@Tag("slow")
final class LearnTest {
  private static final long START_S = 1_790_000_000L;
  private static final long HOUR_S = 3_600;

  private final RedisKeys names = new RedisKeys("learn", Pools.name("p"));
  private final byte[][] keys = {names.estimates};
  private final ScriptConnection wire = new ScriptConnection(RedisUnderTest.url());
  private long seconds = START_S;

  @AfterEach
  void disconnect() {
    wire.close();
  }

  private List<Object> learn(Object... models) {
    List<Object> args = new ArrayList<>(List.of(seconds, 0));
    args.addAll(Arrays.asList(models));
    return wire.call(ScriptFile.LEARN, keys, args.toArray());
  }

  private String line(String model) {
    byte[] line = wire.redis().hget(names.estimates, RedisKeys.bytes(model));
    return line == null ? "" : ScriptConnection.text(line);
  }

  private ModelTally known(String model) {
    return ModelTally.read(line(model)).orElseThrow();
  }

  @Test
  void a_line_is_readable_by_operators_and_replicas() {
    List<Object> reply = learn("claude", 10, 102_400, 25_600, "40:9,48:1");
    assertEquals(
        "tokens_per_kb 256 output_p90 1024 samples 10.00"
            + " | bytes 102400 tokens 25600 at 1790000000 outputs 40:9.00 48:1.00",
        line("claude"));
    assertEquals(List.of(1L, START_S, "claude", line("claude")), reply);
    ModelTally tally = known("claude");
    assertEquals(10, tally.samples);
    assertEquals(9, tally.outputs[40]);
    assertEquals(1024, OutputBuckets.quantile(tally.outputs, 0.9), 1);
  }

  @Test
  void merges_of_replicas_add_up() {
    SplittableRandom random = new SplittableRandom(5);
    ModelTally all = new ModelTally();
    for (int replica = 0; replica < 8; replica++) {
      ModelTally own = new ModelTally();
      for (int n = 0; n < 100; n++) {
        long bytes = random.nextLong(1, 100_000);
        long output = (long) Math.exp(random.nextDouble(0, 12));
        own.add(bytes, bytes / 5, output);
        all.add(bytes, bytes / 5, output);
      }
      learn("m", Math.round(own.samples), (long) own.bytes, (long) own.tokens, own.outputsText());
    }
    ModelTally merged = known("m");
    assertEquals(all.samples, merged.samples);
    assertEquals(all.bytes, merged.bytes, 8);
    assertEquals(all.tokens, merged.tokens, 8);
    assertEquals(
        OutputBuckets.quantile(all.outputs, 0.9),
        OutputBuckets.quantile(merged.outputs, 0.9),
        0.01);
  }

  @Test
  void new_samples_displace_old_ones() {
    for (int n = 0; n < 20; n++) {
      learn("m", 100, 100_000, 50_000, "20:100");
    }
    assertEquals(1_000, known("m").samples, 0.1);
    for (int n = 0; n < 30; n++) {
      learn("m", 100, 100_000, 10_000, "60:100");
    }
    ModelTally later = known("m");
    assertEquals(1_000, later.samples, 0.1);
    assertEquals(0.1, later.tokens / later.bytes, 0.03);
    assertEquals(60, OutputBuckets.of((long) OutputBuckets.quantile(later.outputs, 0.5)), 1);
  }

  @Test
  void one_large_merge_weighs_no_more_than_the_maximum() {
    learn("m", 100, 100_000, 50_000, "20:100");
    learn("m", 50_000, 50_000_000, 5_000_000, "60:50000");
    ModelTally tally = known("m");
    assertEquals(1_000, tally.samples, 0.1);
    assertEquals(0.1, tally.tokens / tally.bytes, 0.001);
    assertEquals(0, tally.outputs[20]);
  }

  @Test
  void age_halves_the_weight_and_keeps_the_estimates() {
    learn("m", 800, 800_000, 80_000, "40:800");
    seconds += 6 * HOUR_S;
    learn("m", 100, 100_000, 50_000, "60:100");
    assertEquals(500, known("m").samples, 0.1);
    assertEquals(400, known("m").outputs[40], 0.1);
    seconds += 1_000 * HOUR_S;
    learn("m", 1, 1_000, 100, "40:1");
    assertEquals(21, known("m").samples, 0.1);
    seconds -= 500 * HOUR_S; // the clock of another host
    learn("m", 1, 1_000, 100, "40:1");
    assertEquals(22, known("m").samples, 0.1);
  }

  @Test
  void a_read_without_samples_changes_nothing() {
    learn("m", 1, 1_000, 100, "40:1");
    String before = line("m");
    seconds += HOUR_S;
    assertEquals(
        List.of(1L, seconds, "m", before), learn("m", 0, 0, 0, "", "unheard of", 0, 0, 0, ""));
    assertEquals(List.of(1L, seconds, "m", before), wire.call(ScriptFile.LEARN, keys, seconds, 1));
    assertEquals(before, line("m"));
  }

  @Test
  void the_number_of_models_is_bounded_and_all_of_them_expire() {
    for (int n = 0; n < 1_500; n += 20) {
      List<Object> models = new ArrayList<>();
      for (int m = n; m < n + 20; m++) {
        models.addAll(List.of("model " + m, 1, 1_000, 100, "40:1"));
      }
      seconds++;
      learn(models.toArray());
    }
    assertEquals(500, wire.redis().hlen(names.estimates));
    long ttl = wire.redis().ttl(names.estimates);
    assertTrue(ttl > 0 && ttl <= 7 * 24 * HOUR_S, "expires in " + ttl);
    long young =
        wire.redis().hkeys(names.estimates).stream()
            .mapToInt(name -> Integer.parseInt(ScriptConnection.text(name).substring(6)))
            .filter(n -> n >= 750)
            .count();
    assertTrue(young > 450, "of the kept ones " + young + " belong to the younger half");
    assertTrue(
        wire.redis().memoryUsage(names.estimates) < 200_000, "a model takes a few hundred bytes");
  }

  @Test
  void a_malformed_line_is_replaced() {
    for (String line :
        List.of("", "x", "tokens_per_kb 1 samples nan | bytes 1 tokens 1 at 1 outputs")) {
      wire.redis().hset(names.estimates, RedisKeys.bytes("m"), RedisKeys.bytes(line));
      learn("m", 2, 2_000, 200, "40:2");
      assertEquals(2, known("m").samples, line);
    }
    for (String line :
        List.of(
            "a samples 1... | bytes 1 tokens 1 at 1 outputs 1:1",
            "a samples 1 | bytes 999999999999999999999 tokens 1 at 1 outputs 99:1",
            "a samples 0 | bytes 5 tokens 5 at 1 outputs 1:.")) {
      wire.redis().hset(names.estimates, RedisKeys.bytes("m"), RedisKeys.bytes(line));
      assertEquals(1L, learn("m", 2, 2_000, 200, "40:2").getFirst());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"NaN", "inf", "-1", "1e400", "0x10", "", " ", "3.7", "1000000000001", "x"})
  void bad_numbers_are_refused_before_anything_is_written(String bad) {
    Object[] good = {START_S, 0, "m", 1, 1_000, 100, "40:1"};
    for (int n : List.of(0, 1, 3, 4, 5)) {
      if (n > 0 || !bad.isEmpty()) { // without a given time, the real one
        refused(good, n, bad);
      }
    }
    refused(good, 6, "40:" + bad);
    refused(good, 6, bad + ":1");
    refused(good, 6, "40:1,,41:1");
    refused(good, 6, "81:1");
    refused(Arrays.copyOf(good, 6), 5, "100");
    assertEquals("", line("m"));
  }

  private void refused(Object[] good, int index, String bad) {
    Object[] args = good.clone();
    args[index] = bad;
    assertTrue(
        assertThrows(
                    CompletionException.class,
                    () -> wire.send(ScriptFile.LEARN, keys, args).join(),
                    Arrays.toString(args))
                .getCause()
            instanceof RedisCommandExecutionException,
        Arrays.toString(args));
  }

  @Test
  void java_and_the_script_merge_alike() {
    SplittableRandom random = new SplittableRandom(11);
    ModelTally model = new ModelTally();
    for (int step = 0; step < 300; step++) {
      ModelTally delta = new ModelTally();
      for (int n = random.nextInt(1, 60); n > 0; n--) {
        long bytes = random.nextLong(0, 200_000);
        delta.add(bytes, random.nextLong(bytes + 1), random.nextLong(1L << random.nextInt(1, 22)));
      }
      learn(
          "m",
          Math.round(delta.samples),
          Math.round(delta.bytes),
          Math.round(delta.tokens),
          delta.outputsText());
      model.add(delta);
      ModelTally merged = known("m");
      assertEquals(model.samples, merged.samples, 1, "samples after step " + step);
      assertEquals(
          model.tokens / model.bytes, merged.tokens / merged.bytes, 1e-3, "ratio, step " + step);
      double p90 = OutputBuckets.quantile(merged.outputs, 0.9);
      assertEquals(
          1, OutputBuckets.quantile(model.outputs, 0.9) / p90, 0.02, "quantile, step " + step);
      double shown = Double.parseDouble(line("m").replaceAll(".*output_p90 (\\d+) .*", "$1"));
      assertEquals(shown, p90, p90 * 0.02 + 1, "shown, step " + step);
    }
  }

  @Test
  void a_merge_costs_redis_few_commands() {
    try (FaultyRedis redis = FaultyRedis.start();
        ScriptConnection own = new ScriptConnection(redis.url())) {
      String outputs =
          IntStream.range(20, 60).mapToObj(b -> b + ":1").collect(Collectors.joining(","));
      for (int together : List.of(1, 4)) {
        own.redis().configResetstat();
        for (int call = 0; call < 500; call++) {
          List<Object> args = new ArrayList<>(List.of(seconds, 0));
          for (int n = 0; n < together; n++) {
            args.addAll(List.of("model " + (call + n) % 400, 40, 4_000_000, 1_000_000, outputs));
          }
          own.call(ScriptFile.LEARN, keys, args.toArray());
        }
        String stat = own.info("commandstats", "cmdstat_fcall");
        System.out.printf("Cost of merging %d models: %s%n", together, stat);
        assertTrue(own.info("commandstats", "cmdstat_hmget").startsWith("calls=1000,"));
        assertTrue(own.info("commandstats", "cmdstat_hset").startsWith("calls=500,"));
      }
      own.redis().configResetstat();
      for (int call = 0; call < 100; call++) {
        assertEquals(802, own.call(ScriptFile.LEARN, keys, seconds, 1).size());
      }
      String stat = own.info("commandstats", "cmdstat_fcall");
      System.out.printf("Cost of reading 400 models: %s%n", stat);
    }
  }
}
