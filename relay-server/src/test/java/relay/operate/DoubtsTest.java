package relay.operate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import relay.config.ConfigFile;
import relay.config.Loaded;

final class DoubtsTest {
  @TempDir private Path directory;

  private List<String> of(String yaml) throws IOException {
    Path file = Files.writeString(directory.resolve("relay.yaml"), yaml);
    Loaded loaded = ConfigFile.load(file, Map.of());
    return Doubts.of(assertInstanceOf(Loaded.Valid.class, loaded, loaded.toString()).config());
  }

  private List<String> ofProvider(String settings) throws IOException {
    return of("providers: [{ name: p, " + settings + " }]\n");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "type: anthropic, keys: [{ key: sk-ant-1, id: a }]",
        "type: openai, keys: [{ key: sk-proj-1, id: a, account: o }, { key: k, id: b, account: o"
            + " }]",
        "type: openai, keys: [{ key: k1, id: a, account: o1 }, { key: k2, id: b, account: o2 }]",
        "type: anthropic, accounts: learned, keys: [{ key: k1 }, { key: k2 }]",
        "type: ollama, keys: [{ id: a }]",
        "type: zai, keys: [{ key: k1, max_concurrent: 5 }]",
        "type: minimax, keys: [{ key: k1, rpm_limit: 5 }]",
        "type: openai, base_url: 'https://gateway.example/v1', keys: [{ key: sk-ant-1 }]",
      })
  void what_is_meant_raises_none(String settings) throws IOException {
    assertEquals(List.of(), ofProvider(settings));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          type: openai, keys: [{ key: k1 }, { key: k2 }] | 2 keys without `account` count as 2 accounts
          type: openai, base_url: 'https://a.example/v1/chat/completions', keys: [{ key: k }] | ends with an endpoint
          type: anthropic, base_url: 'https://a.example/v1/messages/', keys: [{ key: k }] | ends with an endpoint
          type: zai, keys: [{ key: k }] | has no limits, and its answers tell none
          type: minimax, keys: [{ key: k }] | has no limits, and its answers tell none
          type: openai, api: gemini, keys: [{ key: k }] | has no limits, and its answers tell none
          type: openai, keys: [{ key: sk-ant-1 }] | is one of Anthropic, but the requests go to api.openai.com
          type: anthropic, keys: [{ key: sk-proj-1 }] | is one of OpenAI, but the requests go to api.anthropic.com
          type: openai, keys: [{ key: '{{ A1 }}' }] | looks like a placeholder
          type: openai, keys: [{ key: os.environ/A1 }] | looks like a placeholder
          type: openai, keys: [{ key: your-api-key }] | looks like a placeholder
          type: openai, keys: [{ key: xxxx }] | looks like a placeholder
          """)
  void what_is_hardly_meant_is_told(String settings, String told) throws IOException {
    List<String> doubts = ofProvider(settings);
    assertEquals(1, doubts.size(), doubts.toString());
    assertTrue(doubts.getFirst().startsWith("provider p"), doubts.toString());
    assertTrue(doubts.getFirst().contains(told), doubts.toString());
  }

  @Test
  void a_budget_needs_a_redis_that_remembers() throws IOException {
    String rest =
        """
        server:
          auth:
            clients:
            - { name: x, key: c, budget: [{ tokens: 1000, per: day }] }
        providers: [{ name: p, type: ollama, keys: [{ id: a }] }]
        """;
    List<String> doubts = of(rest);
    assertEquals(1, doubts.size(), doubts.toString());
    assertTrue(
        doubts.getFirst().contains("the budgets of x: set redis.url or redis.folder"),
        doubts.toString());
    assertEquals(List.of(), of(rest + "redis: { url: redis://localhost }\n"));
  }
}
