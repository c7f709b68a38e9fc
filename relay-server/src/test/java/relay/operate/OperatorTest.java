package relay.operate;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import relay.admin.AdminServer;
import relay.admin.ServedPools;
import relay.embedded.EmbeddedRedis;
import relay.embedded.LoopbackPorts;
import relay.pool.Configs;
import relay.pool.KeyStatus;
import relay.pool.PoolJson;
import relay.redis.KeyPool;
import relay.redis.ProviderBreaker;
import relay.redis.ProviderBreaker.Passage;

/** Against a real Redis, and a real admin plane. */
@Tag("slow")
@Timeout(60)
@TestInstance(Lifecycle.PER_CLASS)
class OperatorTest {
  /** The two ways from a command to the pools. */
  enum Way {
    REDIS,
    ADMIN_PLANE
  }

  private static final ProviderBreaker.Standing CLOSED =
      new ProviderBreaker.Standing(ProviderBreaker.State.CLOSED, Duration.ZERO);

  @TempDir static Path directory;

  private ServedPools served;
  private AdminServer admin;

  @BeforeAll
  void start() throws Exception {
    served =
        ServedPools.of(
            Configs.of(
                "server: { admin_listen: \"127.0.0.1:1\", admin_token: t0ken }\n" + Configs.POOLS));
    admin = served.serve();
  }

  @AfterAll
  void stop() {
    admin.close();
    served.close();
  }

  private Path config(Way way) throws IOException {
    int port = admin.port();
    return file(
        way.name(),
        switch (way) {
          case REDIS -> "redis: { url: \"" + served.redisUrl() + "\" }\n";
          case ADMIN_PLANE ->
              "server: { admin_listen: \"127.0.0.1:" + port + "\", admin_token: t0ken }\n";
        });
  }

  private static Path file(String name, String settings) throws IOException {
    return Files.writeString(directory.resolve(name + ".yaml"), settings + Configs.POOLS);
  }

  /** The settings of a replica that does not run, for a Redis. */
  private static String alone(String redisUrl) throws IOException {
    return "server: { admin_listen: \"127.0.0.1:%d\" }\nredis: { url: \"%s\" }\n"
        .formatted(LoopbackPorts.free(), redisUrl);
  }

  private static CommandRun run(Path config, String... words) {
    Stream<String> all = Stream.concat(Stream.of(words), Stream.of("--config", config.toString()));
    return CommandRun.of(Map.of(), all.toArray(String[]::new));
  }

  @ParameterizedTest
  @EnumSource
  void keys_are_operated_on_for_all_replicas(Way way) throws Exception {
    Path config = config(way);
    assertEquals(
        new CommandRun(
            0, "Key acme-1 of pool anthropic is not used for 1 m 30 s, in all replicas.\n", ""),
        run(config, "cooldown", "anthropic", "acme-1", "90s"));
    assertEquals("cooling", status());
    assertEquals(0, run(config, "quarantine", "anthropic", "acme-1").exitCode());
    assertEquals("quarantined", status());
    assertEquals(0, run(config, "restore", "anthropic", "acme-1").exitCode());
    assertEquals("active", status());
  }

  /** As the replica sees it. */
  private String status() {
    return KeyStatus.of(served.pools().getFirst().snapshot().join().keys().getFirst()).label();
  }

  @ParameterizedTest
  @EnumSource
  void json_is_what_the_admin_plane_gives(Way way) throws Exception {
    CommandRun result = run(config(way), "keys", "--json");
    assertEquals(0, result.exitCode());
    assertEquals("", result.err());
    JsonNode all = new ObjectMapper().readTree(result.out());
    KeyPool second = served.pools().get(1);
    ((ObjectNode) all.at("/pools/1"))
        .remove(List.of("age_ms", "mode", "warnings")); // only a replica knows
    assertEquals(
        PoolJson.of(second.plan(), second.snapshot().join(), CLOSED).toString(),
        all.at("/pools/1").toString());
    assertEquals("acme-1", all.at("/pools/0/keys/0/id").asText());
  }

  @ParameterizedTest
  @EnumSource
  void the_table_shows_every_group_and_key(Way way) throws Exception {
    CommandRun result = run(config(way), "keys");
    assertEquals(0, result.exitCode());
    for (String word : List.of("acme/opus", "acme/default", "solo/default", "o-1", "0/30000")) {
      assertTrue(result.out().contains(word), result.out());
    }
  }

  @Test
  void clients_are_those_of_the_admin_plane() throws Exception {
    CommandRun json = run(config(Way.ADMIN_PLANE), "clients", "--json");
    assertEquals(0, json.exitCode(), json.err());
    assertTrue(new ObjectMapper().readTree(json.out()).get("clients").isArray());
    CommandRun table = run(config(Way.ADMIN_PLANE), "clients");
    assertEquals(0, table.exitCode(), table.err());
    assertTrue(table.out().startsWith("No client is configured"), table.out());
    CommandRun silent =
        run(file("nobody", "server: { admin_listen: \"127.0.0.1:1\" }\n"), "clients");
    assertEquals(1, silent.exitCode());
    assertTrue(silent.err().startsWith("relay: no replica answers at "), silent.err());
  }

  @ParameterizedTest
  @EnumSource
  void a_failing_provider_is_shown(Way way) throws Exception {
    ProviderBreaker breaker = served.engine().breaker("anthropic");
    for (int n = 0; n < 10; n++) {
      breaker.failed(new Passage.Free());
    }
    try {
      assertEquals(ProviderBreaker.State.OPEN, breaker.look().join().state());
      CommandRun table = run(config(way), "keys");
      assertTrue(table.out().contains(", provider fails: breaker open, next try in "), table.out());
      CommandRun json = run(config(way), "keys", "--json");
      JsonNode pools = new ObjectMapper().readTree(json.out()).get("pools");
      assertEquals("open", pools.at("/0/breaker/state").asText());
      assertEquals("closed", pools.at("/1/breaker/state").asText());
    } finally {
      breaker.succeeded(new Passage.Trial(), "acme", "m");
      assertEquals(CLOSED, breaker.look().join());
    }
  }

  @Test
  void a_reload_after_the_replica_saw_the_change_tells_since_when_it_holds() throws Exception {
    assertEquals(
        new CommandRun(
            0, "Already running this file, config 0123456789ab, since 1970-01-01T00:00:00Z.\n", ""),
        run(config(Way.ADMIN_PLANE), "reload"));
  }

  @ParameterizedTest
  @EnumSource
  void an_unknown_pool_or_key_is_bad_usage(Way way) throws Exception {
    Path config = config(way);
    for (String line :
        List.of(
            "restore nothing acme-1",
            "quarantine anthropic nothing",
            "cooldown anthropic a/b 1s")) {
      CommandRun result = run(config, line.split(" "));
      assertEquals(2, result.exitCode(), result.err());
      assertTrue(result.err().startsWith("relay: "), result.err());
      assertEquals("", result.out());
    }
  }

  @Test
  void a_silent_redis_is_a_failure_with_its_address() throws Exception {
    int port = LoopbackPorts.free();
    Path config = file("silent", alone("redis://:hunter2@127.0.0.1:" + port));
    CommandRun result = run(config, "keys", "--json");
    assertEquals(
        new CommandRun(
            1,
            "",
            "relay: Redis at 127.0.0.1:"
                + port
                + " cannot be used: Connection refused; is it running, and is redis.url right?\n"),
        result);
  }

  @ParameterizedTest
  @CsvSource({
    ":hunter2@, WRONGPASS, check redis.username and redis.password_file",
    "'', NOAUTH, check redis.username and redis.password_file",
    "limited:hunter2@, NOPERM, it needs +fcall"
  })
  void a_redis_that_rejects_the_user_is_a_failure_with_the_reason(
      String user, String error, String advice) throws Exception {
    try (EmbeddedRedis redis = EmbeddedRedis.start()) {
      tell(redis, "ACL SETUSER limited on >hunter2 +ping +hello");
      tell(redis, "CONFIG SET requirepass secret");
      String url = redis.url().replace("://", "://" + user);
      Path config = file("refused", alone(url));
      for (String line : List.of("keys --json", "restore anthropic acme-1")) {
        CommandRun result = run(config, line.split(" "));
        assertEquals(1, result.exitCode());
        assertTrue(result.err().contains(" cannot be used: " + error + " "), result.err());
        assertTrue(result.err().contains("; " + advice), result.err());
        assertFalse(result.err().contains("hunter2"), result.err());
      }
    }
  }

  private static void tell(EmbeddedRedis redis, String command) throws IOException {
    try (Socket socket =
        new Socket(InetAddress.getLoopbackAddress(), URI.create(redis.url()).getPort())) {
      socket.getOutputStream().write((command + "\r\n").getBytes(US_ASCII));
      assertEquals('+', socket.getInputStream().read());
    }
  }

  /** In an incident the person on call has the address of Redis, and not 40 keys. */
  @Test
  void the_providers_secrets_need_not_be_set() throws Exception {
    try (EmbeddedRedis redis = EmbeddedRedis.start()) {
      Path config =
          Files.writeString(
              directory.resolve("secretless.yaml"),
              """
              server: { auth: { clients: [{ name: a, key: "${NOT_SET_1}" }] } }
              redis: { url: "%s" }
              providers:
                - name: anthropic
                  type: anthropic
                  keys:
                    - { key: "${NOT_SET_2}", id: acme-1, account: acme }
                    - { key: "${file:/does/not/exist}", id: acme-2, account: acme }
                    - { key: "${NOT_SET_3}" }
                - { name: other, type: openai, keys: [{ key: "${NOT_SET_4}" }] }
              """
                  .formatted(redis.url()));
      CommandRun quarantined = run(config, "quarantine", "anthropic", "acme-2");
      assertEquals(new CommandRun(0, quarantined.out(), ""), quarantined);
      CommandRun keys = run(config, "keys", "--json");
      assertEquals(0, keys.exitCode(), keys.err());
      assertTrue(keys.out().contains("\"acme-2\",\"account\":\"acme\",\"status\":\"quarantined\""));
      assertFalse(keys.out().contains("unknown"), keys.out());
      CommandRun unset = run(config, "check");
      assertEquals(2, unset.exitCode(), "a replica needs them");
      assertTrue(unset.err().contains("NOT_SET_4, which is not set"), unset.err());
    }
  }

  @Test
  void a_replica_that_does_not_run_is_a_failure_with_advice() throws Exception {
    int port = LoopbackPorts.free();
    Path config = file("none", "server: { admin_listen: \"127.0.0.1:" + port + "\" }\n");
    CommandRun result = run(config, "keys");
    assertEquals(1, result.exitCode());
    assertTrue(result.err().contains("http://127.0.0.1:" + port), result.err());
    assertTrue(result.err().contains("`relay serve`, or name the replicas' Redis"), result.err());
    for (String needsReplica : List.of("clients", "reload")) {
      String told = run(config, needsReplica).err();
      assertTrue(told.endsWith("start one with `relay serve`\n"), told);
    }
  }

  @Test
  void a_wrong_token_is_reported() throws Exception {
    String settings = Files.readString(config(Way.ADMIN_PLANE)).replace("t0ken", "hunter2");
    Path config = Files.writeString(directory.resolve("wrong.yaml"), settings);
    CommandRun result = run(config, "keys", "--json");
    assertEquals(1, result.exitCode());
    assertTrue(result.err().contains("server.admin_token"), result.err());
    assertEquals(-1, result.err().indexOf("hunter2"));
  }
}
