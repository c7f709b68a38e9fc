package relay.trace;

import java.util.Set;
import org.jspecify.annotations.Nullable;
import relay.config.ProviderType;
import relay.model.Endpoint;

/** Names of OpenTelemetry's conventions for generative AI and for HTTP. */
final class Conventions {
  private static final Set<String> METHODS =
      Set.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS");

  private Conventions() {}

  /** A method that clients made up has no name of its own. */
  static String method(String method) {
    return METHODS.contains(method) ? method : "_OTHER";
  }

  /** Null if the request passes unread. */
  static @Nullable String operation(@Nullable Endpoint endpoint) {
    return switch (endpoint) {
      case null -> null;
      case MESSAGES, CHAT_COMPLETIONS, RESPONSES -> "chat";
      case EMBEDDINGS -> "embeddings";
      case COUNT_TOKENS -> "count_tokens"; // the conventions have no name for it
    };
  }

  /** The name of an attempt's span. */
  static String name(@Nullable String operation, RequestTrace.Attempt attempt) {
    if (operation == null) {
      return method(attempt.method());
    }
    return attempt.model().isEmpty() ? operation : operation + " " + attempt.model();
  }

  /** The conventions' name of a provider, or Relay's own where they have none. */
  static String provider(ProviderType type) {
    return switch (type) {
      case ANTHROPIC -> "anthropic";
      case OPENAI -> "openai";
      case AZURE -> "azure.ai.openai";
      case BEDROCK -> "aws.bedrock";
      case VERTEX -> "gcp.vertex_ai";
      case ZAI -> "zai";
      case MINIMAX -> "minimax";
      case OLLAMA -> "ollama";
    };
  }
}
