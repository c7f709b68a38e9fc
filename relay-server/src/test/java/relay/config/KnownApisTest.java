package relay.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.config.ProviderConfig.ModelClass;

/** What is known of the providers' APIs, and what follows from it. */
final class KnownApisTest {

  /**
   * "Claude Opus 4.x (Opus 4.8, 4.7, 4.6, 4.5 combined)", "Claude Sonnet 4.x (Sonnet 4.6 and 4.5
   * combined)", all others apart: "Rate limits", platform.claude.com, as of October 17, 2026.
   */
  @ParameterizedTest
  @CsvSource({
    "claude-fable-5-1, fable",
    "claude-opus-5-5, opus-5.5",
    "claude-opus-5-5-20261001, opus-5.5",
    "claude-opus-5, opus-5",
    "claude-opus-5-20260701, opus-5",
    "claude-opus-4-8, opus-4",
    "claude-opus-4-5-20251101, opus-4",
    "claude-sonnet-5-5, sonnet-5.5",
    "claude-sonnet-5, sonnet-5",
    "claude-sonnet-4-6, sonnet-4",
    "claude-haiku-5-5, haiku-5.5",
    "claude-haiku-4-5-20251001, haiku-4.5",
    "claude-opus-6, default"
  })
  void each_line_of_anthropic_is_a_class(String model, String modelClass) {
    assertEquals(
        modelClass, provider("{name: a, type: anthropic, keys: [{key: x}]}").classOf(model));
  }

  /**
   * "A single quota limit is shared across all model versions in a model lineage", for models from
   * after May 26, 2026, and on global and multi-region endpoints: "Quotas for Anthropic Claude
   * models", docs.cloud.google.com, read November 27, 2026.
   */
  @ParameterizedTest
  @CsvSource({
    "global, claude-opus-4-8, opus-4",
    "eu, claude-sonnet-5-5, sonnet",
    "eu, claude-sonnet-4-6, default",
    "us-east5, claude-opus-4-8, default"
  })
  void lineages_of_vertex_are_classes(String region, String model, String modelClass) {
    assertEquals(modelClass, vertex(region).classOf(model));
  }

  private static ProviderConfig vertex(String region) {
    Loaded loaded =
        ConfigFile.parse(
            Path.of("relay.yaml"),
            "providers: [{name: a, type: vertex, project: p, region: %s, keys: [{key: '${K}'}]}]"
                .formatted(region),
            Map.of("K", ServiceAccounts.file("https://oauth2.googleapis.com/token")),
            FileReader.DISK);
    return ((Loaded.Valid) loaded).config().providers().getFirst();
  }

  @Test
  void listed_models_without_a_line_have_a_class_each_and_a_snapshot_has_its_models() {
    ProviderConfig openai =
        provider(
            "{name: a, type: openai, models: [gpt-5, gpt-5-2025-08-07, mini], model_mapping: {mini:"
                + " gpt-5-mini}, keys: [{key: x, limits: {gpt-5: {rpm_limit: 7}}}]}");
    assertEquals(List.of("gpt-5", "gpt-5-mini", "default"), openai.classNames());
    assertEquals("gpt-5", openai.classOf("gpt-5-2025-08-07"));
    assertEquals("gpt-5-mini", openai.classOf("mini"));
    assertEquals(7, openai.groups().getFirst().limits().rpm());
  }

  @Test
  void only_the_lines_of_listed_models_are_classes() {
    assertEquals(
        List.of("opus-5.5", "default"),
        provider("{name: a, type: anthropic, models: [claude-opus-5-5], keys: [{key: x}]}")
            .classNames());
  }

  @Test
  void stated_classes_and_other_hosts_have_no_lines() {
    for (String other :
        List.of("model_classes: []", "api: none", "base_url: https://llm.example")) {
      ProviderConfig provider =
          provider("{name: a, type: anthropic, %s, keys: [{key: x}]}".formatted(other));
      assertEquals(List.of(ModelClass.DEFAULT), provider.classNames(), other);
      assertFalse(provider.modelsAlone(), other);
    }
  }

  @Test
  void a_named_api_brings_its_address() {
    ProviderConfig groq = provider("{name: a, type: openai, api: groq, keys: [{key: x}]}");
    assertEquals("https://api.groq.com/openai", groq.baseUrl().toString());
    assertEquals(
        "openrouter",
        provider(
                "{name: a, type: openai, base_url: https://openrouter.ai/api/v1, keys: [{key: x}]}")
            .api()
            .name());
    assertEquals(1, provider("{name: a, type: openai, api: vllm}").keys().size());
  }

  @Test
  void a_line_is_a_name_of_redis() {
    assertEquals("gpt-5-mini", KnownApi.lineOf("gpt-5-mini-2025-08-07"));
    assertEquals("claude-x", KnownApi.lineOf("claude-x@20260929"));
    assertEquals("google_gemini-3", KnownApi.lineOf("google/gemini-3"));
    assertEquals("_default", KnownApi.lineOf("default"));
    assertEquals("_", KnownApi.lineOf("+"));
    assertEquals("_.x", KnownApi.lineOf(".x"));
    assertEquals(60, KnownApi.lineOf("m".repeat(300)).length());
  }

  @Test
  void the_page_has_each_api_with_its_source_and_day() throws IOException {
    String page = Files.readString(Path.of("..", "docs", "providers.md"));
    for (KnownApi api : KnownApis.all()) {
      String day = api.read().equals("none") ? "" : api.read();
      assertTrue(
          page.lines()
              .filter(line -> line.startsWith("| `" + api.name() + "` "))
              .anyMatch(line -> line.contains(api.source()) && line.contains(day)),
          api.name());
    }
  }

  private static ProviderConfig provider(String yaml) {
    return Given.valid("providers:\n  - " + yaml + "\n").providers().getFirst();
  }
}
