package relay.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

class RelayCommandLineTest {
  private static final int EXIT_CODE = 7;

  private record Result(int exitCode, String out, String err) {}

  private record Run(String name, @Nullable Path config, boolean json, List<Object> operands) {}

  private final List<Run> runs = new ArrayList<>();

  /** Records its arguments. */
  private final class Recorder implements Subcommand {
    private final OptionSpec json = Operands.flag("--json", "Print JSON");
    private final OptionSpec watch = Operands.flag("--watch", "Refresh");
    private final String name;
    private final List<PositionalParamSpec> operands;

    Recorder(String name, PositionalParamSpec... operands) {
      this.name = name;
      this.operands = List.of(operands);
    }

    @Override
    public void describe(CommandSpec spec) {
      spec.name(name).addOption(json).addOption(watch);
      operands.forEach(spec::addPositional);
      spec.usageMessage().description("Record.").footer("  relay " + name);
    }

    @Override
    public int run(@Nullable Path config) {
      List<Object> values = new ArrayList<>();
      operands.forEach(operand -> values.add(operand.getValue()));
      runs.add(new Run(name, config, json.<Boolean>getValue(), values));
      return EXIT_CODE;
    }
  }

  private Result execute(String line) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int exitCode =
        RelayCommandLine.of(
                List.of(
                    new CommandGroup("Look", List.of(new Recorder("keys"))),
                    new CommandGroup(
                        "Change",
                        List.of(
                            new Recorder(
                                "cooldown",
                                Operands.word("POOL", "A pool"),
                                Operands.word("KEY", "A key"),
                                Operands.duration("DURATION", "A time"))))),
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8))
            .execute(line.isEmpty() ? new String[0] : line.split(" "));
    return new Result(
        exitCode, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  private Run ran(String line) {
    runs.clear();
    assertEquals(new Result(EXIT_CODE, "", ""), execute(line));
    assertEquals(1, runs.size());
    return runs.getFirst();
  }

  @Test
  void a_command_gets_its_options_and_operands() {
    assertEquals(new Run("keys", null, false, List.of()), ran("keys"));
    assertEquals(new Run("keys", null, true, List.of()), ran("keys --json"));
    assertEquals(
        new Run("cooldown", null, true, List.of("p", "k", Duration.ofSeconds(90))),
        ran("cooldown p --json k 90s"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "keys --config a/relay.yaml",
        "keys --config=a/relay.yaml",
        "--config a/relay.yaml keys"
      })
  void a_command_takes_a_config(String line) {
    assertEquals(new Run("keys", Path.of("a/relay.yaml"), false, List.of()), ran(line));
  }

  @Test
  void a_key_may_look_like_an_option_after_two_dashes() {
    assertEquals(
        List.of("p", "--json", Duration.ofSeconds(1)), ran("cooldown p -- --json 1s").operands());
  }

  @Test
  void an_at_sign_names_no_file_of_arguments(@TempDir Path directory) throws IOException {
    Path file = Files.writeString(directory.resolve("key"), "other");
    assertEquals(
        List.of("p", "@" + file, Duration.ofSeconds(1)),
        ran("cooldown p @" + file + " 1s").operands());
  }

  @ParameterizedTest
  @CsvSource({
    "1ms, PT0.001S",
    "90s, PT1M30S",
    "5m, PT5M",
    "1h, PT1H",
    "720h, PT720H",
    "30d, PT720H"
  })
  void durations_have_a_unit(String text, Duration duration) {
    assertEquals(List.of("p", "k", duration), ran("cooldown p k " + text).operands());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "30",
        "0s",
        "31d",
        "s",
        "1.5h",
        "1H",
        "721h",
        "99999999999h",
        "9999999999h",
        "+1s"
      })
  void other_durations_are_refused_with_what_is_allowed(String text) {
    assertRefused("\"" + text + "\" is not a duration; allowed: ", "cooldown p k " + text);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "help", "--help", "-h"})
  void help_lists_every_command(String line) {
    Result help = execute(line);
    assertEquals(0, help.exitCode());
    for (String name : List.of("keys", "cooldown", "version", "completion", "help")) {
      assertTrue(help.out().contains("\n  " + name + " "), help.out());
    }
  }

  @Test
  void help_lists_the_commands_in_groups() {
    List<String> list =
        execute("help")
            .out()
            .lines()
            .filter(line -> line.endsWith(":") || line.matches(" {2}[a-z].*"))
            .map(line -> line.strip().replaceAll(" .*", ""))
            .toList();
    assertEquals(
        List.of("Look:", "keys", "Change:", "cooldown", "version", "completion", "help"), list);
  }

  @Test
  void a_command_that_reads_no_config_is_not_offered_one() {
    assertTrue(execute("keys --help").out().contains("--config"));
    for (String command : List.of("version", "completion", "help")) {
      String help = execute(command + " --help").out();
      assertTrue(help.contains("--help") && !help.contains("--config"), help);
    }
    assertRefused("relay version: Unknown options: '--config'", "version --config a");
  }

  @Test
  void the_config_of_a_command_is_not_that_of_the_one_before() {
    assertEquals(Path.of("b"), ran("--config a keys --config b").config());
  }

  @Test
  void the_version_is_told_to_programs() throws IOException {
    JsonNode version = new ObjectMapper().readTree(execute("version --json").out());
    assertEquals(Version.current().version(), version.path("version").asText());
    assertEquals(Version.current().commit(), version.path("commit").asText());
    assertEquals(Version.current().java(), version.path("java").asText());
  }

  @Test
  void help_on_a_command_shows_its_usage_and_examples_and_needs_no_operands() {
    Result help = execute("cooldown --help");
    assertEquals(0, help.exitCode());
    assertEquals(help, execute("help cooldown"));
    assertEquals(help, execute("cooldown -h"));
    for (String part :
        List.of(
            "Usage: relay cooldown ",
            " POOL KEY DURATION\n",
            "--json",
            "--config=FILE",
            "\nExamples:\n  relay cooldown\n")) {
      assertTrue(help.out().contains(part), help.out());
    }
    assertEquals(List.of(), runs);
  }

  @Test
  void version_is_a_command_and_an_option() {
    Result version = execute("version");
    assertEquals(new Result(0, Version.current() + System.lineSeparator(), ""), version);
    assertEquals(version, execute("--version"));
  }

  @ParameterizedTest
  @CsvSource({"kys, keys", "key, keys", "cool, cooldown", "cool-down, cooldown"})
  void a_misspelt_command_gets_a_suggestion(String word, String meant) {
    assertRefused("Did you mean: " + meant, word);
    assertRefused("Did you mean: " + meant, "help " + word);
  }

  @Test
  void a_misspelt_option_gets_a_suggestion() {
    assertRefused("Did you mean: --watch?", "keys --wach");
    assertRefused("Did you mean: --config?", "keys --conf x");
  }

  @Test
  void an_unknown_word_gets_the_usage() {
    assertRefused("relay: unknown command \"xyz\"", "xyz");
    assertRefused("relay: unknown command \"xyz\"", "help xyz");
    assertRefused("relay completion: unknown shell \"ksh\"; allowed: bash", "completion ksh");
    assertRefused("Unknown options: '--port'", "--port 8080 keys");
    assertRefused("relay cooldown: Unknown option: '--pool'", "cooldown p k 1s --pool");
  }

  @Test
  void missing_and_surplus_words_are_named() {
    assertRefused("relay cooldown: Missing required parameter: 'DURATION'", "cooldown p k");
    assertRefused("'POOL', 'KEY', 'DURATION'", "cooldown");
    assertRefused("relay keys: Unmatched argument at index 1: 'relay.yaml'", "keys relay.yaml");
    assertRefused(
        "Usage: relay cooldown [-h] [--json] [--watch] [--config=FILE] POOL KEY DURATION",
        "cooldown p");
  }

  @Test
  void a_config_is_one_file() {
    assertRefused("'--config'", "keys --config");
    assertRefused("'--config': a file is missing", "keys --config=");
    assertRefused("'--config' but found '--json'", "keys --config --json");
    assertRefused("only once", "keys --config a --config b");
    assertRefused("'--config': not a file name", "keys --config=a\0b");
  }

  @Test
  void the_completion_script_is_bash_that_completes_commands_and_options(@TempDir Path directory)
      throws Exception {
    Result completion = execute("completion");
    assertEquals(0, completion.exitCode());
    assertEquals("keys", completed(directory, completion.out(), "relay", "ke"));
    assertEquals("--watch", completed(directory, completion.out(), "relay", "keys", "--w"));
  }

  @Test
  void the_completion_script_of_fish_has_each_command_and_option() {
    Result completion = execute("completion fish");
    assertEquals(0, completion.exitCode());
    String keys = "complete -c relay -n '__fish_seen_subcommand_from keys'";
    for (String line :
        List.of(
            "complete -c relay -f\n",
            "complete -c relay -n '__fish_use_subcommand' -a keys -d '",
            "complete -c relay -n '__fish_use_subcommand' -a completion -d '",
            keys + " -l watch -d '",
            keys + " -l config -r -F -d '",
            keys + " -s h -l help -d 'Show this help'\n")) {
      assertTrue(completion.out().contains(line), line + " in " + completion.out());
    }
    // Quotes are balanced: no description ends a word.
    completion
        .out()
        .lines()
        .forEach(
            line ->
                assertEquals(
                    0, line.replace("\\'", "").chars().filter(c -> c == '\'').count() % 2, line));
    assertEquals(2, execute("completion csh").exitCode());
  }

  /** What bash offers for the last word. */
  private static String completed(Path directory, String script, String... words)
      throws IOException, InterruptedException {
    Path file = Files.writeString(directory.resolve("completion"), script);
    Process bash =
        new ProcessBuilder(
                "bash",
                "-c",
                // compopt works only where a shell completes
                "compopt() { :; }; source "
                    + file
                    + "; COMP_WORDS=("
                    + String.join(" ", words)
                    + "); COMP_CWORD="
                    + (words.length - 1)
                    + "; _complete_relay relay "
                    + words[words.length - 1]
                    + "; echo \"${COMPREPLY[*]}\"")
            .redirectErrorStream(true)
            .start();
    String shown = new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    bash.waitFor();
    return shown.strip();
  }

  private void assertRefused(String expected, String line) {
    runs.clear();
    Result result = execute(line);
    assertEquals(2, result.exitCode(), result.err());
    assertEquals("", result.out());
    assertTrue(result.err().contains(expected), result.err());
    assertEquals(2, result.err().lines().count(), result.err());
    assertEquals(List.of(), runs);
  }
}
