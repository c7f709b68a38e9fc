package relay.leases;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import relay.admission.LeaseRequest;
import relay.config.ClientPriority;
import relay.config.ServiceTiers;
import relay.config.ServiceTiers.Tier;
import relay.estimate.Estimator;
import relay.model.Dialect;
import relay.model.SessionId;
import relay.model.Sha256;
import relay.redis.model.Demand;
import relay.redis.model.Lasting;
import relay.redis.model.Limits;
import relay.redis.model.Share;

/**
 * What a worker asks a lease for: a request that Relay does not send, or several together.
 *
 * @param owner a short hash of the client, by which Redis counts its open leases; empty if it is
 *     granted already
 * @param inputTokens negative if they are to be estimated from the bytes
 * @param outputTokens negative if the learned mean serves
 * @param patience how long it waits for capacity
 * @param session 32 hexadecimal digits; empty for none
 * @param mark of the call and its repetitions; 0 for none
 */
record LeaseCall(
    String owner,
    String model,
    long inputBytes,
    long inputTokens,
    long outputTokens,
    long maxOutputTokens,
    int requests,
    boolean isPartial,
    Duration ttl,
    Duration patience,
    String session,
    @Nullable ClientPriority priority,
    Set<String> avoid,
    int mark)
    implements LeaseRequest {

  static final long LEAST_TTL_MS = 1_000;
  static final long MOST_TTL_MS = 900_000;
  static final int MOST_REQUESTS = 1_000;
  static final int MOST_LETTERS = 256;

  private static final long TTL_MS = 60_000;
  private static final int MOST_AVOIDED = 100;

  /** As long as the setting {@code max_wait_ms} may be. */
  private static final long MOST_WAIT_MS = Duration.ofDays(1).toMillis();

  private static final int OWNER_DIGITS = 16;
  private static final int HASH_BYTES = 16;
  private static final SecureRandom RANDOM = new SecureRandom();

  /** The call of a body. */
  static LeaseCall of(CallBody body, String client) throws BadCallException {
    String model = body.text("model", MOST_LETTERS);
    if (model.isEmpty()) {
      throw new BadCallException("model is missing");
    }
    if (!body.has("input_tokens") && !body.has("input_bytes")) {
      throw new BadCallException("give input_tokens, or input_bytes to have them estimated");
    }
    String repeated = body.text("idempotency_key", MOST_LETTERS);
    return new LeaseCall(
        ownerOf(client),
        model,
        body.whole("input_bytes", 0, Limits.MAX, 0),
        body.whole("input_tokens", 0, Limits.MAX, Estimator.UNKNOWN),
        body.whole("output_tokens", 0, Limits.MAX, Estimator.UNKNOWN),
        body.whole("max_tokens", 0, Limits.MAX, Estimator.UNKNOWN),
        (int) body.whole("requests", 1, MOST_REQUESTS, 1),
        body.flag("partial"),
        Duration.ofMillis(body.whole("ttl_ms", LEAST_TTL_MS, MOST_TTL_MS, TTL_MS)),
        Duration.ofMillis(body.whole("wait_ms", 0, MOST_WAIT_MS, 0)),
        session(body.text("session", MOST_LETTERS)),
        priority(body.text("priority", MOST_LETTERS)),
        body.texts("avoid", MOST_AVOIDED, MOST_LETTERS),
        repeated.isEmpty() ? 0 : repeated.hashCode());
  }

  /** What a lease was granted for, when its holder tells of it. */
  static LeaseCall again(LeaseTicket ticket, int requests) {
    int granted = ticket.grant().requests();
    long most = ticket.maxOutputTokens();
    return new LeaseCall(
        "", // it is counted already
        ticket.model(),
        ticket.inputBytes(),
        Estimator.UNKNOWN,
        ticket.outputTokens(),
        most < 0 ? most : Math.ceilDiv(most * requests, granted),
        Math.max(1, requests),
        false,
        ticket.ttl(),
        Duration.ZERO,
        "",
        null,
        Set.of(),
        0);
  }

  /** A short hash of a client's name. */
  static String ownerOf(String client) {
    return hash(client).substring(0, OWNER_DIGITS);
  }

  private static String session(String stated) {
    return stated.isEmpty() ? "" : SessionId.of(stated);
  }

  /** 32 hexadecimal digits. */
  static String hash(String text) {
    MessageDigest digest = Sha256.begin();
    digest.update(text.getBytes(StandardCharsets.UTF_8));
    return HexFormat.of().formatHex(digest.digest(), 0, HASH_BYTES);
  }

  private static @Nullable ClientPriority priority(String word) throws BadCallException {
    return switch (word) {
      case "" -> null;
      case "interactive" -> ClientPriority.INTERACTIVE;
      case "standard" -> ClientPriority.STANDARD;
      case "batch" -> ClientPriority.BATCH;
      default -> throw new BadCallException("priority must be interactive, standard or batch");
    };
  }

  @Override
  public Demand asked(Demand demand) {
    byte[] name = new byte[HASH_BYTES];
    RANDOM.nextBytes(name);
    String id = Lasting.id(owner, Base64.getUrlEncoder().withoutPadding().encodeToString(name));
    return demand.lasting(new Lasting(id, ttl, requests, isPartial));
  }

  /** In whose words it is refused, whichever provider's lease it wants. */
  @Override
  public Dialect dialect() {
    return Dialect.OPENAI;
  }

  @Override
  public boolean counted() {
    return true;
  }

  @Override
  public boolean unread() {
    return false;
  }

  @Override
  public List<String> states() {
    return List.of();
  }

  @Override
  public String serviceTier() {
    return "";
  }

  @Override
  public Tier tier(ServiceTiers known) {
    return Tier.NONE;
  }

  @Override
  public Share.Attempt attempt() {
    return Share.Attempt.UNKNOWN;
  }

  /** A worker says itself how long it waits. */
  @Override
  public Duration maxWait(Duration ofProvider) {
    return patience;
  }

  @Override
  public boolean mayRepeat(boolean maybeProcessed) {
    return true;
  }
}
