package relay.pipeline;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import relay.admission.LeaseRequest;
import relay.body.Payload;
import relay.config.ClientPriority;
import relay.config.ServiceTiers;
import relay.config.ServiceTiers.Tier;
import relay.model.Dialect;
import relay.model.Endpoint;
import relay.redis.model.Share;
import relay.request.RequestFacts;

/** A client's request, before the choice of a provider. */
final class ParsedRequest implements LeaseRequest {
  private static final Set<String> REPEATABLE = Set.of("GET", "HEAD", "OPTIONS", "PUT", "DELETE");
  private static final int MOST_DIGITS = 9;

  private final Dialect dialect;
  private final @Nullable Endpoint endpoint;
  private final String method;
  private final RequestFacts facts;
  private final Payload body;
  private final List<String> states;
  private final Share.Attempt attempt;
  private final Function<String, @Nullable String> headers;
  private final Duration most;
  private int mark; // 0 until it is asked for

  private ParsedRequest(
      Dialect dialect,
      @Nullable Endpoint endpoint,
      String method,
      RequestFacts facts,
      Payload body,
      List<String> states,
      Share.Attempt attempt,
      Function<String, @Nullable String> headers,
      Duration most) {
    this.headers = headers;
    this.most = most;
    this.dialect = dialect;
    this.endpoint = endpoint;
    this.method = method;
    this.facts = facts;
    this.body = body;
    this.states = states;
    this.attempt = attempt;
  }

  /**
   * A request with a known endpoint.
   *
   * @param headers the client's, by name
   * @param most how long attempts may begin, unless the client gives up earlier
   */
  static ParsedRequest of(
      Endpoint endpoint,
      RequestFacts facts,
      Payload body,
      Function<String, @Nullable String> headers,
      Duration most) {
    List<String> states = facts.namesState() ? NamedIds.in(body) : List.of();
    Share.Attempt attempt = attempt(headers.apply("x-stainless-retry-count"));
    return new ParsedRequest(
        endpoint.dialect(), endpoint, "POST", facts, body, states, attempt, headers, most);
  }

  /**
   * @param retries how often the request was sent before, as its SDK counts; null if it does not
   */
  private static Share.Attempt attempt(@Nullable String retries) {
    if (retries == null || retries.isEmpty() || retries.length() > MOST_DIGITS) {
      return Share.Attempt.UNKNOWN;
    }
    for (int n = 0; n < retries.length(); n++) {
      if (retries.charAt(n) < '0' || retries.charAt(n) > '9') {
        return Share.Attempt.UNKNOWN;
      }
    }
    return retries.equals("0") ? Share.Attempt.FIRST : Share.Attempt.REPEATED;
  }

  /** A request that passes unparsed. */
  static ParsedRequest unread(
      Dialect dialect,
      String method,
      Payload body,
      List<String> states,
      Function<String, @Nullable String> headers,
      Duration most) {
    Share.Attempt attempt = Share.Attempt.UNKNOWN;
    return new ParsedRequest(
        dialect, null, method, RequestFacts.UNREAD, body, states, attempt, headers, most);
  }

  @Override
  public Dialect dialect() {
    return dialect;
  }

  /** The endpoint; null when the request passes unparsed. */
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

  @Override
  public int mark() {
    if (mark == 0) {
      mark = body.checksum();
    }
    return mark;
  }

  @Override
  public Share.Attempt attempt() {
    return attempt;
  }

  @Override
  public List<String> states() {
    return states;
  }

  /** Whether its answer may name what only one account knows. */
  boolean makesStates() {
    return endpoint == null || endpoint == Endpoint.RESPONSES || facts.namesState();
  }

  /** None for a request that is not counted. */
  @Override
  public Tier tier(ServiceTiers known) {
    return counted() ? known.named(this::member, headers) : Tier.NONE;
  }

  private @Nullable String member(String name) {
    return switch (name) {
      case "speed" -> facts.speed();
      case "service_tier" -> facts.serviceTier();
      default -> null;
    };
  }

  @Override
  public boolean counted() {
    return endpoint != null && endpoint.counted();
  }

  /** Generating twice costs tokens, but creating a batch twice costs its user a second batch. */
  @Override
  public boolean mayRepeat(boolean maybeProcessed) {
    return !body.isSpent() && (!maybeProcessed || endpoint != null || REPEATABLE.contains(method));
  }

  @Override
  public boolean unread() {
    return endpoint == null;
  }

  @Override
  public String model() {
    return facts.model();
  }

  @Override
  public long inputBytes() {
    return facts.inputBytes();
  }

  @Override
  public String session() {
    return facts.session();
  }

  @Override
  public String serviceTier() {
    return facts.serviceTier();
  }

  @Override
  public @Nullable ClientPriority priority() {
    return PriorityHeader.priority(headers.apply(PriorityHeader.NAME));
  }

  @Override
  public Duration patience() {
    return ClientTimeout.of(headers.apply("x-stainless-timeout"), most);
  }

  /** Whether Relay asks the stream for usage that the client did not ask for. */
  boolean asksForUsage() {
    return endpoint == Endpoint.CHAT_COMPLETIONS && facts.stream() && !facts.includeUsage();
  }

  @Override
  public long maxOutputTokens() {
    return endpoint == Endpoint.EMBEDDINGS ? 0 : facts.maxOutputTokens();
  }
}
