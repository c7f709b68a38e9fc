package relay.pipeline;

import java.util.Locale;
import relay.model.Dialect;
import relay.model.RelayError;

/** The client's error when no provider may serve what it asks for. */
final class RoutingErrors {
  private RoutingErrors() {}

  static RelayError nothingAt(String target) {
    return RelayError.notFound(
        ("there is nothing at %s: a path that Relay does not know passes only to a provider with"
                + " passthrough: true, and not for clients that have a list of models")
            .formatted(target));
  }

  /** The message names the dialect: the model may be served in the other one. */
  static RelayError unserved(Dialect dialect, String model) {
    return RelayError.notFound(
        "no provider of the %s dialect serves model '%s' to this client; %s"
            .formatted(
                dialect.name().toLowerCase(Locale.ROOT),
                model,
                dialect == Dialect.OPENAI
                    ? "models of the anthropic dialect are at POST /v1/messages"
                    : "models of the openai dialect are at POST /v1/chat/completions"));
  }
}
