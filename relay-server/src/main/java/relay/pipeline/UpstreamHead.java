package relay.pipeline;

import java.util.Locale;
import java.util.Set;
import relay.config.ClientHeaders;
import relay.trace.RequestTrace;
import relay.upstream.ProviderApi;
import relay.upstream.UpstreamRequest;

/** The head of a request to a provider: what passes of the client's, and what Relay adds. */
final class UpstreamHead {
  private UpstreamHead() {}

  static UpstreamRequest of(
      RequestContext request, ParsedRequest parsed, String model, ProviderApi api) {
    ClientExchange client = request.client();
    RequestTrace trace = request.trace();
    UpstreamRequest head = api.request(client.target(), model, parsed.facts().stream());
    head.method(parsed.method());
    ClientHeaders headers = api.config().clientHeaders();
    Set<String> connectionNames = HeaderPolicy.connectionNames(client.headers("connection"));
    client.forEachHeader(
        (name, value) -> {
          String lower = name.toLowerCase(Locale.ROOT);
          if (headers.pass(lower)
              && !connectionNames.contains(lower)
              && (trace == null || !RequestTrace.replaces(lower))) {
            head.header(name, value);
          }
        });
    if (trace != null) {
      trace.propagate(head::header);
    }
    head.header("accept-encoding", acceptEncoding(request, parsed));
    return head;
  }

  private static String acceptEncoding(RequestContext request, ParsedRequest parsed) {
    String accepted = request.client().header("accept-encoding");
    // To remove usage that only Relay asked for, it needs plain bytes.
    return HeaderPolicy.acceptEncoding(parsed.asksForUsage() ? null : accepted);
  }
}
