package relay.pipeline;

import java.util.Set;
import org.jspecify.annotations.Nullable;
import relay.body.Payload;
import relay.model.Dialect;
import relay.model.Endpoint;
import relay.request.RequestFacts;

/** What a client asked for, before it is known which provider it goes to. */
final class ParsedRequest {
  private static final Set<String> REPEATABLE = Set.of("GET", "HEAD", "OPTIONS", "PUT", "DELETE");

  private final Dialect dialect;
  private final @Nullable Endpoint endpoint;
  private final String method;
  private final RequestFacts facts;
  private final Payload body;

  private ParsedRequest(
      Dialect dialect,
      @Nullable Endpoint endpoint,
      String method,
      RequestFacts facts,
      Payload body) {
    this.dialect = dialect;
    this.endpoint = endpoint;
    this.method = method;
    this.facts = facts;
    this.body = body;
  }

  /** A request that was read. */
  static ParsedRequest of(Endpoint endpoint, RequestFacts facts, Payload body) {
    return new ParsedRequest(endpoint.dialect(), endpoint, "POST", facts, body);
  }

  /** A request that passes unread. */
  static ParsedRequest unread(Dialect dialect, String method, Payload body) {
    return new ParsedRequest(dialect, null, method, RequestFacts.UNREAD, body);
  }

  Dialect dialect() {
    return dialect;
  }

  /** Where it goes; null when it passes unread. */
  @Nullable Endpoint endpoint() {
    return endpoint;
  }

  String method() {
    return method;
  }

  RequestFacts facts() {
    return facts;
  }

  Payload body() {
    return body;
  }

  /** Whether it counts against its key's limits. */
  boolean counted() {
    return endpoint != null && endpoint.counted();
  }

  /**
   * Whether it may be sent again when it is not known what became of it. To generate twice costs
   * tokens; to create a batch twice costs its user a second batch.
   */
  boolean repeatable() {
    return endpoint != null || REPEATABLE.contains(method);
  }

  /** The client's bound on the output, or what stands for it; negative if it gave none. */
  long maxOutputTokens() {
    return endpoint == Endpoint.EMBEDDINGS ? 0 : facts.maxOutputTokens();
  }
}
