package relay.pipeline;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import relay.admission.RequestPlan;
import relay.body.Payload;
import relay.model.Endpoint;
import relay.model.JsonString;
import relay.request.MemberEdits;
import relay.request.RequestEdits;
import relay.request.RequestFacts;

/**
 * The body in the form of the provider's type: the client's, except for a mapped model and for
 * usage that Relay asks for. Clouds with Anthropic's models take the model from the URL and the API
 * version from the body. Bedrock also takes streaming from the URL and betas from the body.
 */
final class ProviderBody {
  private static final String VERSION = "anthropic_version";

  private ProviderBody() {}

  static Payload of(RequestPlan plan, ParsedRequest parsed, ClientExchange client) {
    Payload body = edited(plan, parsed);
    if (parsed.endpoint() != Endpoint.MESSAGES) {
      return body; // other endpoints keep the model in the body
    }
    return switch (plan.route().api().config().type()) {
      case ANTHROPIC, OPENAI, ZAI, MINIMAX, OLLAMA, AZURE -> body;
      case BEDROCK ->
          plan.route().api().config().api().isNative()
              ? body
              : edited(body, Set.of("model", "stream"), bedrock(client.header("anthropic-beta")));
      case VERTEX ->
          edited(body, Set.of("model"), Map.of(VERSION, JsonString.quote("vertex-2023-10-16")));
    };
  }

  private static Payload edited(RequestPlan plan, ParsedRequest parsed) {
    RequestFacts facts = parsed.facts();
    String mapped = plan.upstreamModel().equals(facts.model()) ? null : plan.upstreamModel();
    boolean asks = parsed.asksForUsage();
    return mapped == null && !asks
        ? parsed.body()
        : Payload.of(
            parsed.body().withBytes((bytes, _) -> RequestEdits.edit(bytes, facts, mapped, asks)));
  }

  private static Payload edited(Payload body, Set<String> without, Map<String, String> with) {
    return Payload.of(MemberEdits.edit(body.bytes(), without, with));
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
