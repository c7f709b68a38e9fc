package relay.pipeline;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import relay.body.Payload;
import relay.model.Endpoint;
import relay.model.JsonString;
import relay.request.MemberEdits;

/**
 * The body as the provider's type wants it. Clouds that serve Anthropic's models are told the model
 * in the URL and the API's version in the body; Bedrock also whether to stream, and which betas to
 * use.
 */
final class ProviderBody {
  private static final String VERSION = "anthropic_version";

  private ProviderBody() {}

  static Payload of(RequestPlan plan, ClientExchange client) {
    if (plan.parsed().endpoint() != Endpoint.MESSAGES) {
      return plan.body(); // elsewhere, as to count tokens, the model stays where it is
    }
    return switch (plan.route().api().config().type()) {
      case ANTHROPIC, OPENAI, ZAI, MINIMAX, OLLAMA, AZURE -> plan.body();
      case BEDROCK ->
          edited(plan, Set.of("model", "stream"), bedrock(client.header("anthropic-beta")));
      case VERTEX ->
          edited(plan, Set.of("model"), Map.of(VERSION, JsonString.quote("vertex-2023-10-16")));
    };
  }

  private static Payload edited(RequestPlan plan, Set<String> without, Map<String, String> with) {
    return Payload.of(MemberEdits.edit(plan.body().bytes(), without, with));
  }

  private static Map<String, String> bedrock(@Nullable String betas) {
    Map<String, String> members = new LinkedHashMap<>();
    members.put(VERSION, JsonString.quote("bedrock-2023-05-31"));
    if (betas != null && !betas.isBlank()) {
      members.put(
          "anthropic_beta",
          Arrays.stream(betas.split(",", -1))
              .map(String::strip)
              .filter(beta -> !beta.isEmpty())
              .map(JsonString::quote)
              .collect(Collectors.joining(",", "[", "]")));
    }
    return members;
  }
}
