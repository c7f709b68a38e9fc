package relay.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.config.ServiceTiers.Tier;

/** Which tiers a provider has, and whether they share the account's limit. */
final class ServiceTiersTest {
  private static final String ELSEWHERE = "base_url: 'https://llm.example'";

  private static Tier tier(String provider, Map<String, String> members, Map<String, String> head) {
    Loaded loaded =
        ConfigFile.parse(
            Path.of("relay.yaml"),
            "providers: [{name: a, %s, keys: [{key: x}]}]".formatted(provider),
            Map.of(),
            FileReader.DISK);
    ServiceTiers tiers = ((Loaded.Valid) loaded).config().providers().getFirst().tiers();
    return tiers.named(members::get, head::get);
  }

  @ParameterizedTest
  @CsvSource({
    "type: openai, service_tier, priority, shares",
    "type: openai, service_tier, fast, shares",
    "type: openai, service_tier, flex, shares",
    "type: openai, service_tier, ultrafast, own",
    "type: openai, service_tier, default, none",
    "type: openai, service_tier, auto, none",
    "type: openai, service_tier, x1, none",
    "type: openai, speed, fast, none",
    "type: anthropic, speed, fast, own",
    "type: anthropic, service_tier, priority, none",
    "type: anthropic, service_tier, standard_only, none",
    "'type: openai, api: groq', service_tier, flex, own",
    "'type: openai, api: groq', service_tier, auto, none",
    "'type: openai, api: gemini', service_tier, priority, shares",
    "'type: openai, api: deepseek', service_tier, priority, none",
    "type: zai, service_tier, priority, none",
    "type: minimax, speed, fast, none"
  })
  void a_tier_is_what_its_provider_makes_of_it(
      String provider, String member, String value, String expected) {
    check(tier(provider, Map.of(member, value), Map.of()), value, expected);
  }

  @ParameterizedTest
  @CsvSource({
    "type: openai, service_tier, ultrafast, shares",
    "type: openai, service_tier, x1, none",
    "type: anthropic, speed, fast, shares",
    "type: azure, service_tier, priority, shares"
  })
  void at_another_host_no_tier_has_a_limit_of_its_own(
      String type, String member, String value, String expected) {
    check(tier(type + ", " + ELSEWHERE, Map.of(member, value), Map.of()), value, expected);
  }

  @Test
  void a_header_names_a_tier_like_a_member() {
    String header = "x-vertex-ai-llm-shared-request-type";
    Tier flex = tier("type: openai, " + ELSEWHERE, Map.of(), Map.of(header, " Flex "));
    check(flex, "flex", "shares");
    check(tier("type: openai", Map.of(), Map.of(header, "flex")), "flex", "none");
  }

  private static void check(Tier tier, String name, String expected) {
    assertEquals(expected.equals("none") ? "" : name, tier.name());
    assertEquals(expected.equals("own"), tier.isOwn());
  }

  @Test
  void the_page_of_providers_has_each_entry() throws IOException {
    String page = Files.readString(Path.of("../docs/providers.md"));
    String section = page.substring(page.indexOf("### Service tiers"));
    for (ServiceTiers each : ServiceTiers.all()) {
      for (String api : each.apis()) {
        String place = "`" + api.replaceFirst("^type ", "") + "`";
        assertTrue(
            section.contains(place) || section.contains("`type: " + place.substring(1)), api);
      }
      each.shares().forEach(tier -> assertTrue(section.contains("`" + tier + "`"), tier));
      each.own().forEach(tier -> assertTrue(section.contains("`" + tier + "`"), tier));
    }
  }
}
