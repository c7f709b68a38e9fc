package relay.operate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.admin.AdminServer;
import relay.admin.ServedPools;
import relay.pool.Configs;
import relay.pool.KeyStatus;

/** Commands that are given an address need no config, and no secret of a provider. */
@Timeout(60)
@TestInstance(Lifecycle.PER_CLASS)
class AdminTargetTest {
  @TempDir private Path directory;

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

  private String address() {
    return "127.0.0.1:" + admin.port();
  }

  private String status() {
    return KeyStatus.of(served.pools().getFirst().snapshot().join().keys().getFirst()).label();
  }

  @Test
  void a_faulty_config_does_not_matter_to_a_command_with_an_address() throws Exception {
    String faulty =
        Files.writeString(directory.resolve("faulty.yaml"), "lisen: ${NOT_SET}\n").toString();
    String token = Files.writeString(directory.resolve("token"), "t0ken\n").toString();
    String url = "http://" + address();
    CommandRun cooled =
        CommandRun.of(
            Map.of(),
            "cooldown",
            "anthropic",
            "acme-1",
            "90s",
            "--admin",
            url,
            "--token-file",
            token,
            "--config",
            faulty);
    assertEquals(
        new CommandRun(
            0, "Key acme-1 of pool anthropic is not used for 1 m 30 s, in all replicas.\n", ""),
        cooled);
    assertEquals("cooling", status());
    String[] restore = {
      "restore", "anthropic", "acme-1", "--admin", url, "--token-file", token, "--config", faulty
    };
    assertEquals(0, CommandRun.of(Map.of(), restore).exitCode());
    assertEquals("active", status());
  }

  @ParameterizedTest
  @ValueSource(strings = {"keys", "clients"})
  void the_environment_may_have_the_address_and_the_token(String command) {
    Map<String, String> environment =
        Map.of("RELAY_ADMIN", address(), "RELAY_ADMIN_TOKEN", "t0ken");
    CommandRun result = CommandRun.of(environment, command, "--json");
    assertEquals(0, result.exitCode(), result.err());
    assertTrue(result.out().startsWith("{"), result.out());
    assertEquals("", result.err());
  }

  @Test
  void without_its_token_the_replica_refuses() {
    CommandRun result = CommandRun.of(Map.of(), "keys", "--admin", address());
    assertEquals(1, result.exitCode());
    assertTrue(result.err().contains(address()), result.err());
  }

  @ParameterizedTest
  @ValueSource(strings = {"ftp://127.0.0.1:1", "http://", "a b", "http://host_name:1"})
  void what_is_no_address_is_refused(String address) {
    CommandRun result = CommandRun.of(Map.of(), "keys", "--admin", address);
    assertEquals(2, result.exitCode());
    assertEquals(
        "relay: --admin and RELAY_ADMIN take an address such as http://127.0.0.1:9091\n",
        result.err());
  }
}
