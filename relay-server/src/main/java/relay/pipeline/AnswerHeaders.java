package relay.pipeline;

import java.util.Locale;
import java.util.Set;
import relay.model.HeaderLines;
import relay.upstream.ProviderReply;

/** The header lines of a provider's answer, as the client gets them. */
final class AnswerHeaders {
  private AnswerHeaders() {}

  /** The provider's lines that pass, and Relay's own except the number of attempts. */
  static HeaderLines of(ProviderReply reply, String requestId, String provider, String key) {
    HeaderLines lines = new HeaderLines();
    Set<String> connectionNames = HeaderPolicy.connectionNames(reply.headers("connection"));
    reply.forEachHeader(
        (name, value) -> {
          if (HeaderPolicy.passesDownstream(name.toLowerCase(Locale.ROOT), connectionNames)) {
            lines.add(name, value);
          }
        });
    return lines
        .add("x-relay-request-id", requestId)
        .add("x-relay-provider", provider)
        .add("x-relay-key", key);
  }
}
