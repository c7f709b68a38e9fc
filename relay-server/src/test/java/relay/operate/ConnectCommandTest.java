package relay.operate;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import relay.cli.CommandGroup;
import relay.cli.RelayCommandLine;

final class ConnectCommandTest {
  private static final String CODEX =
      """
      model = "gpt-5"  # mine
      model_provider = "other"

      [model_providers.other]
      name = "Other"
      """;

  @TempDir Path home = Path.of("");

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private int connect(String... words) {
    CommandContext context =
        new CommandContext(
            Map.of("HOME", home.toString(), "RELAY_API_KEY", "hunter2"),
            new PrintStream(out, true, UTF_8),
            new PrintStream(err, true, UTF_8));
    String[] all = new String[words.length + 1];
    all[0] = "connect";
    System.arraycopy(words, 0, all, 1, words.length);
    return RelayCommandLine.of(
            List.of(new CommandGroup("Set up", List.of(new ConnectCommand(context)))),
            context.out(),
            context.err())
        .execute(all);
  }

  private Path claude() {
    return home.resolve(".claude").resolve("settings.json");
  }

  private Path codex() {
    return home.resolve(".codex").resolve("config.toml");
  }

  private static void write(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  private JsonNode settings() throws IOException {
    return new ObjectMapper().readTree(Files.readString(claude()));
  }

  @Test
  void claude_code_gets_the_address_and_the_credential_and_keeps_all_else() throws IOException {
    write(claude(), "{\"theme\": \"dark\", \"env\": {\"OTHER\": \"1\"}}");
    assertEquals(0, connect("claude-code"), err::toString);
    assertEquals("http://127.0.0.1:8787", settings().at("/env/ANTHROPIC_BASE_URL").asText());
    assertEquals("hunter2", settings().at("/env/ANTHROPIC_AUTH_TOKEN").asText());
    assertEquals("dark", settings().get("theme").asText());
    assertEquals("1", settings().at("/env/OTHER").asText());
    assertFalse(out.toString(UTF_8).contains("hunter2"), "a credential is not printed");
    assertTrue(
        Files.readString(claude().resolveSibling("settings.json.before-relay")).contains("dark"));
    String once = Files.readString(claude());
    assertEquals(0, connect("claude-code"));
    assertEquals(once, Files.readString(claude()), "a second time changes nothing");
    assertEquals(0, connect("claude-code", "--remove"));
    assertEquals("{\"theme\":\"dark\",\"env\":{\"OTHER\":\"1\"}}", settings().toString());
  }

  @Test
  void a_new_file_is_for_its_owner_only() throws IOException {
    assertEquals(0, connect("claude-code", "--url", "http://relay:1/"), err::toString);
    assertEquals("http://relay:1", settings().at("/env/ANTHROPIC_BASE_URL").asText());
    assertEquals(
        "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(claude())));
  }

  @Test
  void settings_that_differ_are_replaced_by_force_only() throws IOException {
    String mine = "{\"env\": {\"ANTHROPIC_BASE_URL\": \"http://mine\"}}";
    write(claude(), mine);
    assertEquals(1, connect("claude-code"));
    assertEquals(mine, Files.readString(claude()));
    assertTrue(err.toString(UTF_8).contains("env.ANTHROPIC_BASE_URL"), err::toString);
    assertEquals(0, connect("claude-code", "--remove"));
    assertEquals(mine, Files.readString(claude()), "it does not lead to Relay");
    assertEquals(0, connect("claude-code", "--force"));
    assertEquals("http://127.0.0.1:8787", settings().at("/env/ANTHROPIC_BASE_URL").asText());
  }

  @Test
  void a_file_that_is_no_json_is_left_alone() throws IOException {
    write(claude(), "{oops");
    assertEquals(1, connect("claude-code"));
    assertEquals("{oops", Files.readString(claude()));
  }

  @Test
  void codex_gets_a_provider_and_its_own_lines_come_back() throws IOException {
    write(codex(), CODEX);
    assertEquals(1, connect("codex"));
    assertEquals(CODEX, Files.readString(codex()));
    assertEquals(0, connect("codex", "--force"), err::toString);
    String text = Files.readString(codex());
    assertTrue(text.startsWith("model_provider = \"relay\""), text);
    assertTrue(text.contains("base_url = \"http://127.0.0.1:8787/v1\""), text);
    assertTrue(text.contains("env_key = \"RELAY_API_KEY\""), text);
    assertEquals(1, text.lines().filter(line -> line.startsWith("model_provider")).count(), text);
    assertEquals(0, connect("codex", "--force"));
    assertEquals(text, Files.readString(codex()), "a second time changes nothing");
    assertEquals(0, connect("codex", "--remove"));
    assertEquals(CODEX, Files.readString(codex()));
  }

  @Test
  void a_provider_of_the_same_name_is_left_to_the_user() throws IOException {
    String mine = "[model_providers.relay]\nname = \"mine\"\n";
    write(codex(), mine);
    assertEquals(1, connect("codex", "--force"));
    assertEquals(mine, Files.readString(codex()));
  }

  @Test
  void a_print_writes_nothing() {
    assertEquals(0, connect("codex", "--print"));
    assertTrue(out.toString(UTF_8).contains("[model_providers.relay]"), out::toString);
    assertFalse(Files.exists(codex()));
    assertEquals(0, connect("env"));
    assertTrue(out.toString(UTF_8).contains("export OPENAI_BASE_URL=http://127.0.0.1:8787/v1"));
    assertEquals(2, connect("cursor"));
  }
}
