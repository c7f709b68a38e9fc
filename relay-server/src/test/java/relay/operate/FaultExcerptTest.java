package relay.operate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import relay.config.ConfigFault;

/** What {@code relay check} shows below a fault on a terminal. */
final class FaultExcerptTest {
  private static final TerminalFeatures PLAIN = new TerminalFeatures(true, false, true, 80, 24);
  private static final TerminalFeatures COLOURED = new TerminalFeatures(true, true, true, 80, 24);

  @TempDir private Path directory;

  private String shown(TerminalFeatures terminal, int line, int column, String text)
      throws IOException {
    Path file = Files.writeString(directory.resolve("relay.yaml"), text);
    return FaultExcerpt.of(
        new ConfigFault(file.toString(), line, column, "path", "is wrong", "allowed"), terminal);
  }

  @Test
  void the_caret_stands_under_the_place() throws IOException {
    assertEquals(
        """
            2 |   drain_ms: 30x
              |             ^
        """,
        shown(PLAIN, 2, 13, "server:\r\n  drain_ms: 30x\nproviders: []\n"));
    assertEquals(
        """
            1 | é😀: x
              |     ^
        """,
        shown(PLAIN, 1, 5, "é😀: x"));
    assertEquals("    1 | a b\n      |  ^\n", shown(PLAIN, 1, 2, "a\tb"));
  }

  @Test
  void colours_are_for_a_terminal_that_wants_them() throws IOException {
    assertTrue(shown(COLOURED, 1, 1, "a: b").contains("\u001b[31m^\u001b[0m"));
    assertFalse(shown(PLAIN, 1, 1, "a: b").contains("\u001b"));
  }

  @Test
  void of_a_long_line_the_place_is_shown() throws IOException {
    String[] lines = shown(PLAIN, 1, 500, "x".repeat(499) + "!" + "y".repeat(500)).split("\n", -1);
    assertTrue(lines[0].length() <= 80 && lines[1].length() <= 80);
    assertEquals('!', lines[0].charAt(lines[1].indexOf('^')));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{ key: hunter2, id: a, rpm: x }",
        "key: hunter2",
        "  api_key: \"hunter2\"",
        "key: 'hunter2' # mine",
        "- hunter2AbcDefGhiJkl0",
        "url: redis://user:hunter2@host/x",
        "url: redis://:hun@ter2/hunter2@host/x",
        "admin_token: hunter2 # x",
        "\"client-secret\" : hunter2"
      })
  void a_secret_is_masked(String line) throws IOException {
    String shown = shown(PLAIN, 1, 1, line);
    assertFalse(shown.contains("hunter2"), shown);
    assertEquals(8 + line.length(), shown.indexOf('\n'), "the caret stays under its place");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "keys: [{ key: ${A1}, id: acme-1 }]",
        "key: \"${file:/run/secrets/a}\"",
        "models: [claude-sonnet-4-5-20250929]",
        "base_url: https://api.anthropic.com/v1/messages"
      })
  void what_is_no_secret_is_shown(String line) throws IOException {
    assertTrue(shown(PLAIN, 1, 1, line).contains(line));
  }

  @Test
  void without_a_place_nothing_is_shown() throws IOException {
    assertEquals("", shown(PLAIN, 3, 1, "a: b\n"));
    assertEquals("", shown(PLAIN, 0, 1, "a: b\n"));
    assertEquals("", shown(PLAIN, 1, 9, "a: b\n"));
    Path binary = directory.resolve("binary");
    Files.write(binary, "\u00ff: b".getBytes(StandardCharsets.ISO_8859_1));
    for (String file : new String[] {binary.toString(), directory + "/none", "a\0b"}) {
      assertEquals("", FaultExcerpt.of(new ConfigFault(file, 1, 1, "p", "w", "a"), PLAIN));
    }
  }
}
