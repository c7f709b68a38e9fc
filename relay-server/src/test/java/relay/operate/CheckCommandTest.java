package relay.operate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import okhttp3.tls.HeldCertificate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.pool.Configs;

/** {@code relay check}, and where commands find their config. */
class CheckCommandTest {
  @TempDir static Path directory;

  private static Path file(String name, String settings) throws IOException {
    return Files.writeString(directory.resolve(name + ".yaml"), settings + Configs.POOLS);
  }

  private static CommandRun run(Path config, String... words) {
    return run(Map.of(), Stream.concat(Stream.of(words), Stream.of("--config", config.toString())));
  }

  private static CommandRun run(Map<String, String> environment, Stream<String> words) {
    return CommandRun.of(environment, words.toArray(String[]::new));
  }

  @Test
  void a_good_config_is_checked_in_a_few_lines() throws Exception {
    Path config = file("good", "");
    assertEquals(
        new CommandRun(
            0,
            config
                + """
                : valid: 2 providers, 4 keys
                  listens on 127.0.0.1:8787 for everybody, without a credential, and on\
                 127.0.0.1:9091 for operators
                  keeps its state in an embedded Redis, until it stops
                  anthropic: 3 keys of 2 accounts; limits stated; accounting auto\
                 (sliding_window until answers prove token_bucket)
                  openai: 1 key of 1 account; limits from answers; accounting auto\
                 (sliding_window until answers prove token_bucket)
                """,
            ""),
        run(config, "check"));
  }

  @Test
  void a_body_that_no_heap_of_this_size_can_hold_is_a_warning() throws Exception {
    long much = Runtime.getRuntime().maxMemory() / 4;
    Path config = file("large", "server: { max_body_bytes: " + much + " }\n");
    CommandRun result = run(config, "check");
    assertEquals(0, result.exitCode(), result.err());
    assertTrue(result.err().startsWith("warning: server.max_body_bytes is " + much), result.err());
    assertEquals(1, result.err().lines().count());
  }

  /** Also of one that is further up in the chain. */
  @Test
  void an_expired_certificate_of_the_data_plane_is_a_warning() throws Exception {
    HeldCertificate old =
        new HeldCertificate.Builder().certificateAuthority(0).validityInterval(0, 1_000).build();
    HeldCertificate leaf = new HeldCertificate.Builder().signedBy(old).build();
    for (HeldCertificate own : List.of(old, leaf)) {
      Files.writeString(directory.resolve("o.pem"), own.certificatePem() + old.certificatePem());
      Files.writeString(directory.resolve("o.key"), own.privateKeyPkcs8Pem());
      Path config = file("old", "server: { tls: { certificate: o.pem, private_key: o.key } }\n");
      CommandRun result = run(config, "check");
      assertEquals(0, result.exitCode(), result.err());
      assertEquals(
          "warning: server.tls.certificate expired on 1970-01-01T00:00:01Z, so clients refuse it:"
              + " renew the file\n",
          result.err());
    }
  }

  @Test
  void every_fault_of_a_bad_config_is_printed() throws Exception {
    Path config = file("bad", "server: { lisen: x }\nlogging: { level: loud }\n");
    CommandRun result = run(config, "check");
    assertEquals(2, result.exitCode());
    assertEquals(2, result.err().lines().count());
    assertTrue(result.err().startsWith(config + ":1:"), result.err());
    assertEquals(2, run(config, "keys", "--json").exitCode());
  }

  @ParameterizedTest
  @ValueSource(strings = {"XDG_CONFIG_HOME", "HOME"})
  void a_config_is_found_in_the_usual_places(String variable) throws Exception {
    Path home = Files.createTempDirectory(directory, variable);
    Path config = home.resolve(variable.equals("HOME") ? ".config" : "").resolve("relay");
    Files.createDirectories(config);
    Files.copy(file("found", ""), config.resolve("relay.yaml"));
    CommandRun result = run(Map.of(variable, home.toString()), Stream.of("check"));
    assertEquals(0, result.exitCode(), result.err());
    assertTrue(result.out().startsWith(config.toString()), result.out());
  }

  @Test
  void without_a_config_the_places_are_named() {
    CommandRun result = run(Map.of("HOME", "/nowhere"), Stream.of("check"));
    assertEquals(2, result.exitCode());
    assertTrue(result.err().contains("/nowhere/.config/relay/relay.yaml"), result.err());
    assertTrue(result.err().contains("--config"), result.err());
  }
}
