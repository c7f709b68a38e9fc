package relay.operate;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.cli.CommandGroup;
import relay.cli.RelayCommandLine;
import relay.config.Config;
import relay.config.ConfigFile;
import relay.config.Loaded;
import relay.config.ProviderConfig;

final class InitCommandTest {
  @TempDir Path directory = Path.of("");

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private int init(String answers, String... options) {
    CommandContext context =
        new CommandContext(
            Map.of(), new PrintStream(out, true, UTF_8), new PrintStream(err, true, UTF_8));
    InitCommand init = new InitCommand(context, new ByteArrayInputStream(answers.getBytes(UTF_8)));
    List<String> words = new ArrayList<>(List.of("init", "--out", file().toString()));
    words.addAll(List.of(options));
    return RelayCommandLine.of(
            List.of(new CommandGroup("Set up", List.of(init))), context.out(), context.err())
        .execute(words.toArray(new String[0]));
  }

  private Path file() {
    return directory.resolve("relay.yaml");
  }

  private ProviderConfig provider(String variable) {
    Loaded loaded = ConfigFile.load(file(), Map.of(variable, "hunter2"));
    Config config = assertInstanceOf(Loaded.Valid.class, loaded, loaded::toString).config();
    assertEquals(1, config.providers().size());
    return config.providers().getFirst();
  }

  @ParameterizedTest
  @ValueSource(strings = {"anthropic", "openai", "zai", "minimax", "ollama"})
  void what_it_writes_is_valid(String type) {
    assertEquals(0, init("", "--provider", type, "--key-env", "MY_KEY", "--yes"), err::toString);
    assertEquals(type, provider("MY_KEY").name());
    assertEquals(
        List.of(type + "-1"), provider("MY_KEY").keys().stream().map(k -> k.id()).toList());
  }

  @Test
  void it_asks_for_what_no_option_says() {
    assertEquals(0, init("openai\n\n"));
    assertEquals("openai", provider("OPENAI_API_KEY").name());
    String asked = out.toString(UTF_8);
    assertTrue(asked.contains("[OPENAI_API_KEY]"), asked);
    assertTrue(asked.contains("export OPENAI_API_KEY="), asked);
  }

  @Test
  void without_answers_the_defaults_are_taken() {
    assertEquals(0, init(""));
    assertEquals("anthropic", provider("ANTHROPIC_API_KEY").name());
  }

  @Test
  void a_file_is_overwritten_by_force_only() throws IOException {
    Files.writeString(file(), "mine");
    assertEquals(2, init("", "--yes"));
    assertEquals("mine", Files.readString(file()));
    assertTrue(err.toString(UTF_8).contains("--force"), err::toString);
    assertEquals(0, init("", "--yes", "--force"));
    assertEquals("anthropic", provider("ANTHROPIC_API_KEY").name());
  }

  @Test
  void wrong_words_write_nothing() {
    assertEquals(2, init("", "--yes", "--provider", "bedrock"));
    assertEquals(2, init("", "--yes", "--key-env", "sk-ant secret"));
    assertFalse(Files.exists(file()));
    assertFalse(err.toString(UTF_8).contains("sk-ant"), "it may be a secret");
  }
}
