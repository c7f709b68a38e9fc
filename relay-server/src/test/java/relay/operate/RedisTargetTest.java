package relay.operate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import relay.admin.ServedPools;
import relay.embedded.EmbeddedRedis;
import relay.embedded.LoopbackPorts;
import relay.pool.Configs;
import relay.redis.model.PoolSnapshot.KeyState;

/** Commands with {@code --redis} need neither a config nor a replica: Redis tells the pools. */
@Timeout(60)
@TestInstance(Lifecycle.PER_CLASS)
class RedisTargetTest {
  @TempDir private Path directory;

  private ServedPools served;

  @BeforeAll
  void start() throws Exception {
    served = ServedPools.of(Configs.of(Configs.POOLS));
    served.pools().forEach(pool -> pool.snapshot().join());
  }

  @AfterAll
  void stop() {
    served.close();
  }

  private CommandRun run(String... words) {
    return CommandRun.of(
        Map.of(),
        Stream.concat(Stream.of(words), Stream.of("--redis", served.redisUrl()))
            .toArray(String[]::new));
  }

  private KeyState key(String id) {
    return served.pools().getFirst().snapshot().join().keys().stream()
        .filter(key -> key.id().equals(id))
        .findFirst()
        .orElseThrow();
  }

  /** The pools without what depends on the order of the config, sorted. */
  private static JsonNode pools(CommandRun result) throws Exception {
    assertEquals(0, result.exitCode(), result.err());
    JsonNode pools = new ObjectMapper().readTree(result.out()).path("pools");
    for (JsonNode pool : pools) {
      for (String list : List.of("groups", "keys")) {
        List<JsonNode> all = new ArrayList<>();
        pool.path(list).forEach(all::add);
        all.sort(Comparator.comparing(one -> one.path("id").asText()));
        ((ObjectNode) pool).putArray(list).addAll(all);
      }
    }
    return pools;
  }

  @Test
  void it_shows_what_a_config_would_show() throws Exception {
    Path config =
        Files.writeString(
            directory.resolve("relay.yaml"),
            "redis: { url: \"" + served.redisUrl() + "\" }\n" + Configs.POOLS);
    JsonNode wanted =
        pools(CommandRun.of(Map.of(), "keys", "--json", "--config", config.toString()));
    assertEquals(2, wanted.size());
    assertEquals(wanted.toPrettyString(), pools(run("keys", "--json")).toPrettyString());
  }

  @Test
  void a_key_is_operated_on_with_a_faulty_config_and_no_secret() throws Exception {
    String faulty =
        Files.writeString(directory.resolve("faulty.yaml"), "lisen: ${NOT_SET}\n").toString();
    assertEquals(
        new CommandRun(
            0, "Key acme-1 of pool anthropic is not used for 1 m 30 s, in all replicas.\n", ""),
        run("cooldown", "anthropic", "acme-1", "90s", "--config", faulty));
    assertTrue(key("acme-1").cooldown().isPositive());
    String cooling = run("describe", "anthropic", "acme-1").out();
    assertTrue(cooling.contains("\nstatus      cooling: operator\n"), cooling);
    assertEquals(0, run("restore", "anthropic", "acme-1").exitCode());
    assertTrue(key("acme-1").cooldown().isZero());
  }

  @Test
  void an_operators_reason_is_kept_and_shown() throws Exception {
    String[] words = {"quarantine", "anthropic", "acme-1", "--reason", " leaked: OPS-4711 "};
    assertEquals(0, run(words).exitCode());
    assertEquals("operator: leaked: OPS-4711", key("acme-1").quarantine());
    String described = run("describe", "anthropic", "acme-1").out();
    assertTrue(described.contains("quarantined: operator: leaked: OPS-4711\nsince   "), described);
    assertTrue(described.contains("used again when an operator restores it: `relay "), described);
    String table = run("keys").out();
    assertTrue(table.contains("operator: leaked: OPS-4711"), table);
    JsonNode shown = pools(run("keys", "--json", "--status", "quarantined")).at("/0/keys/0");
    assertEquals("acme-1", shown.path("id").asText());
    assertTrue(shown.path("since").asText().matches("\\d{4}-.*Z"), shown.toString());
    assertFalse(shown.has("next_probe_ms"), "no probe ends it");
    String status = run("status").out();
    assertTrue(status.contains("acme-1 (operator: leaked: OPS-4711, since 20"), status);
    assertEquals(0, run("restore", "anthropic", "acme-1").exitCode());
  }

  @ParameterizedTest
  @ValueSource(strings = {"two\nlines", "a\u001b[31mb"})
  void a_reason_that_acts_on_a_terminal_is_refused(String reason) {
    CommandRun refused = run("quarantine", "anthropic", "acme-1", "--reason", reason);
    assertEquals(
        new CommandRun(
            2, "", "relay: --reason takes at most 200 characters, without line breaks and such\n"),
        refused);
    assertEquals(null, key("acme-1").quarantine());
  }

  @Test
  void an_unknown_pool_or_key_is_bad_usage() {
    CommandRun pool = run("restore", "nothing", "acme-1");
    assertEquals(
        new CommandRun(2, "", "relay: unknown pool \"nothing\"; Redis has anthropic, openai\n"),
        pool);
    CommandRun key = run("restore", "anthropic", "nothing");
    assertEquals(2, key.exitCode());
    assertTrue(key.err().contains("has no key \"nothing\""), key.err());
    assertEquals(2, run("restore", "a{b} *", "acme-1").exitCode());
  }

  @ParameterizedTest
  @CsvSource({"keys", "restore anthropic acme-1", "describe anthropic acme-1", "status"})
  void where_no_replica_was_it_says_so(String line) throws Exception {
    try (EmbeddedRedis redis = EmbeddedRedis.start()) {
      List<String> words = new ArrayList<>(List.of(line.split(" ")));
      words.addAll(List.of("--redis", redis.url()));
      CommandRun result = CommandRun.of(Map.of(), words.toArray(String[]::new));
      assertEquals(1, result.exitCode());
      assertTrue(result.err().endsWith("is --prefix right?\n"), result.err());
    }
    CommandRun other = run("keys", "--prefix", "other");
    assertEquals(1, other.exitCode());
    assertTrue(other.err().contains("holds no pool"), other.err());
  }

  @Test
  void a_silent_redis_is_a_failure_without_its_password() throws Exception {
    String url = "redis://:hunter2@127.0.0.1:" + LoopbackPorts.free();
    CommandRun result = CommandRun.of(Map.of("RELAY_REDIS_URL", url), "keys");
    assertEquals(1, result.exitCode());
    assertTrue(result.err().contains("Connection refused"), result.err());
    assertFalse(result.err().contains("hunter2"), result.err());
    assertTrue(result.err().endsWith("is RELAY_REDIS_URL right?\n"), result.err());
    CommandRun option = CommandRun.of(Map.of(), "keys", "--redis", url);
    assertTrue(option.err().endsWith("is --redis right?\n"), option.err());
  }

  @Test
  void the_environment_may_have_the_address() throws Exception {
    Map<String, String> environment = Map.of("RELAY_REDIS_URL", served.redisUrl());
    assertEquals(2, pools(CommandRun.of(environment, "keys", "--json")).size());
  }

  @ParameterizedTest
  @CsvSource({
    "keys --redis hunter2, --redis and RELAY_REDIS_URL take redis://",
    "keys --redis http://hunter2, --redis and RELAY_REDIS_URL take redis://",
    "keys --redis redis://h --prefix a{b, and --prefix letters",
    "keys --redis redis://h --admin http://h, name two targets",
    "keys --prefix p, --prefix needs --redis",
    "clients --redis redis://h, Unknown option"
  })
  void what_names_no_redis_is_refused(String line, String expected) {
    CommandRun result = CommandRun.of(Map.of(), line.split(" "));
    assertEquals(2, result.exitCode());
    assertTrue(result.err().contains(expected), result.err());
    assertFalse(line.contains("redis hunter2") && result.err().contains("hunter2"), result.err());
  }
}
