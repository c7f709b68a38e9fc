package relay;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** Every command that the program has, and what its help promises. */
class CommandsTest {
  private static final int COLUMNS = 100;
  private static final CommandLine RELAY = commandLine();

  /** They read none. */
  private static final Set<String> WITHOUT_CONFIG =
      Set.of("try", "init", "connect", "explain", "schema", "version", "completion", "help");

  private static CommandLine commandLine() {
    return Main.commandLine(Map.of(), System.out, System.err);
  }

  @Test
  void the_commands_are_these() {
    assertEquals(
        List.of(
            "serve",
            "try",
            "init",
            "connect",
            "check",
            "status",
            "keys",
            "describe",
            "clients",
            "events",
            "requests",
            "cooldown",
            "quarantine",
            "restore",
            "reload",
            "config",
            "explain",
            "schema",
            "version",
            "completion",
            "help"),
        List.copyOf(RELAY.getSubcommands().keySet()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"serve", "serve --config a/relay.yaml"})
  void a_plain_serve_means_what_picocli_reads(String line) {
    String[] words = line.split(" ");
    assertTrue(Main.isPlainServe(words));
    ParseResult serve = commandLine().parseArgs(words).subcommand();
    assertEquals("serve", serve.commandSpec().name());
    Path config = words.length == 1 ? null : Path.of(words[2]);
    assertEquals(config, serve.matchedOptionValue("--config", (Path) null));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "serve --help",
        "serve --config",
        "serve --config=relay.yaml",
        "serve --config --json",
        "serve --json relay.yaml",
        "serve relay.yaml",
        "--config a serve",
        "keys --config relay.yaml",
        "version"
      })
  void other_words_are_left_to_picocli(String line) {
    assertFalse(Main.isPlainServe(line.split(" ")));
  }

  @Test
  void an_empty_file_name_is_left_to_picocli() {
    assertFalse(Main.isPlainServe("serve", "--config", ""));
    assertFalse(Main.isPlainServe());
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "31", "100", "-1", "2.5", "x"})
  void a_trial_measures_one_to_thirty_minutes(String minutes) {
    assertThrows(
        ParameterException.class, () -> commandLine().parseArgs("try", "--minutes", minutes));
  }

  @Test
  void a_trial_has_windows_of_a_minute_only_if_it_is_asked_to() {
    OptionSpec option =
        requireNonNull(RELAY.getSubcommands().get("try")).getCommandSpec().findOption("--minutes");
    assertNull(option.getValue());
    ParseResult asked = commandLine().parseArgs("try", "--minutes", "30").subcommand();
    assertEquals(30, asked.matchedOptionValue("--minutes", 0));
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "3", "51", "100", "x"})
  void a_trial_runs_four_to_fifty_workers(String workers) {
    assertThrows(
        ParameterException.class, () -> commandLine().parseArgs("try", "--workers", workers));
    ParseResult asked = commandLine().parseArgs("try", "--workers").subcommand();
    assertEquals(20, asked.matchedOptionValue("--workers", 0));
  }

  private static String explained(int exitCode, String setting) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    PrintStream to = new PrintStream(out, true, StandardCharsets.UTF_8);
    assertEquals(exitCode, Main.commandLine(Map.of(), to, to).execute("explain", setting));
    return out.toString(StandardCharsets.UTF_8);
  }

  @Test
  void a_setting_is_explained_by_its_name_or_a_part_of_it() {
    String timeout = explained(0, "redis.timeout_ms");
    assertTrue(timeout.startsWith("redis.timeout_ms\n  "), timeout);
    assertTrue(timeout.contains("\n  default: 100\n"), timeout);
    assertEquals(timeout, explained(0, "Redis.Timeout"));
    String section = explained(0, "redis");
    assertTrue(section.contains("redis.url\n") && section.contains("redis.tls"), section);
    String of = explained(0, "providers[].keys[].rpm_limit");
    assertTrue(of.startsWith("providers[].keys[].rpm_limit\n"), of);
    assertTrue(explained(2, "no_such_thing").contains("relay schema"));
  }

  @TestFactory
  Stream<DynamicTest> help_fits_the_screen_and_its_examples_are_right() {
    return RELAY.getSubcommands().entrySet().stream()
        .map(entry -> DynamicTest.dynamicTest(entry.getKey(), () -> check(entry.getValue())));
  }

  private static void check(CommandLine command) {
    String help = command.getUsageMessage();
    help.lines().forEach(line -> assertTrue(line.length() <= COLUMNS, line));
    boolean isOfferedConfig = command.getCommandSpec().findOption("--config") != null;
    assertEquals(!WITHOUT_CONFIG.contains(command.getCommandName()), isOfferedConfig, help);
    List<String> examples = List.of(command.getCommandSpec().usageMessage().footer());
    assertFalse(examples.isEmpty(), help);
    for (String example : examples) {
      String words = example.replaceAll("^.*relay ", "relay ").replaceAll("[|)>].*", "").strip();
      assertTrue(words.startsWith("relay " + command.getCommandName()), example);
      commandLine().parseArgs(words.substring("relay ".length()).split(" "));
    }
  }
}
