package relay.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ArgumentsTest {
  private static final Path FILE = Path.of("a/relay.yaml");

  @Test
  void commands_without_a_config_mean_the_usual_places() {
    assertEquals(new Command.Serve(null), parse("serve"));
    assertEquals(new Command.Try(null), parse("try"));
    assertEquals(new Command.Check(null), parse("check"));
    assertEquals(new Command.Keys(null, false, false), parse("keys"));
    assertEquals(new Command.Version(null), parse("version"));
  }

  @Test
  void every_command_takes_a_config() {
    String config = " --config a/relay.yaml";
    assertEquals(new Command.Serve(FILE), parse("serve" + config));
    assertEquals(new Command.Try(FILE), parse("try" + config));
    assertEquals(new Command.Check(FILE), parse("check --config=a/relay.yaml"));
    assertEquals(new Command.Keys(FILE, true, true), parse("keys --json --watch" + config));
    assertEquals(
        new Command.Cooldown(FILE, "anthropic", "acme-1", Duration.ofSeconds(30)),
        parse("cooldown anthropic acme-1 30s" + config));
    assertEquals(
        new Command.Quarantine(FILE, "anthropic", "acme-1"),
        parse("quarantine anthropic" + config + " acme-1"));
    assertEquals(new Command.Restore(FILE, "p", "k"), parse("restore" + config + " p k"));
    assertEquals(new Command.Version(FILE), parse("version" + config));
  }

  @Test
  void a_key_may_look_like_an_option_after_two_dashes() {
    assertEquals(new Command.Restore(null, "p", "--k"), parse("restore p -- --k"));
  }

  @ParameterizedTest
  @CsvSource({"1ms, PT0.001S", "90s, PT1M30S", "5m, PT5M", "1h, PT1H", "720h, PT720H"})
  void durations_have_a_unit(String text, Duration duration) {
    assertEquals(new Command.Cooldown(null, "p", "k", duration), parse("cooldown p k " + text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"30", "0s", "1d", "s", "1.5h", "1H", "721h", "99999999999h", "9999999999h", "+1s"})
  void other_durations_are_refused_with_what_is_allowed(String text) {
    assertRefused("\"" + text + "\" is no duration; allowed is", "cooldown p k " + text);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "help", "--help", "-h"})
  void help_names_every_command(String line) {
    String text = assertInstanceOf(Command.Help.class, parse(line)).text();
    Syntax.names().forEach(name -> assertTrue(text.contains("\n  " + name + " "), text));
    assertFits(text);
  }

  @ParameterizedTest
  @EnumSource
  void help_on_a_command_shows_its_usage_and_needs_no_operands(Syntax syntax) {
    Command.Help help = assertInstanceOf(Command.Help.class, parse(syntax.word() + " --help"));
    assertEquals(help, parse("help " + syntax.word()));
    assertEquals(help, parse(syntax.word() + " -h"));
    assertTrue(help.text().contains("\nUsage: relay " + syntax.word()), help.text());
    syntax.operands().forEach(operand -> assertTrue(help.text().contains(operand), help.text()));
    syntax.flags().forEach(flag -> assertTrue(help.text().contains(flag), help.text()));
    assertFits(help.text());
  }

  @Test
  void version_is_an_option_too() {
    assertEquals(new Command.Version(null), parse("--version"));
  }

  @ParameterizedTest
  @CsvSource({
    "srve, serve",
    "server, serve",
    "key, keys",
    "quar, quarantine",
    "cool-down, cooldown"
  })
  void a_slip_gets_the_word_that_was_meant(String word, String meant) {
    assertRefused("Did you mean \"" + meant + "\"?", word);
  }

  @Test
  void a_slip_in_an_option_too() {
    assertRefused("Did you mean \"--watch\"?", "keys --wach");
    assertRefused("Did you mean \"--config\"?", "serve --conf x");
  }

  @Test
  void an_option_of_another_command_is_refused() {
    assertRefused("relay serve: unknown option \"--json\"", "serve --json");
  }

  @Test
  void a_word_like_no_other_gets_the_way_to_help() {
    assertRefused("See: relay --help", "frobnicate");
    assertRefused("expected a command before \"--port\"", "--port 8080 serve");
    assertRefused("unknown command \"frobnicate\"", "help frobnicate");
  }

  @Test
  void missing_and_surplus_words_are_named() {
    assertRefused("relay cooldown: missing DURATION", "cooldown p k");
    assertRefused("relay restore: missing POOL", "restore");
    assertRefused("relay serve: unexpected \"relay.yaml\"", "serve relay.yaml");
    assertRefused("Usage: relay quarantine POOL KEY [--config FILE]", "quarantine p");
  }

  @Test
  void a_config_is_one_file() {
    assertRefused("--config needs a file", "serve --config");
    assertRefused("--config needs a file", "serve --config=");
    assertRefused("--config is given twice", "serve --config a --config b");
    assertRefused("not a file name", "serve --config=a\0b");
  }

  private static Command parse(String line) {
    return Arguments.parse(line.isEmpty() ? new String[0] : line.split(" "));
  }

  private static void assertRefused(String expected, String line) {
    String message = assertInstanceOf(Command.BadUsage.class, parse(line)).message();
    assertTrue(message.contains(expected), message);
    assertEquals(2, message.lines().count(), message);
  }

  private static void assertFits(String text) {
    text.lines().forEach(line -> assertTrue(line.length() <= 100, line));
    assertTrue(text.endsWith("\n") && !text.endsWith("\n\n"), text);
  }
}
