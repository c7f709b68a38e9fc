package relay.redis.walk;

import org.jspecify.annotations.Nullable;

/**
 * A request.
 *
 * @param spread of the output; -1 if the provider charges it at admission
 * @param session empty for none
 * @param term of a lease that lasts; null for any other
 */
public record Wish(
    String id, long input, long output, long spread, String session, @Nullable Term term) {

  /**
   * Of a lease that lasts.
   *
   * @param requests that it is for
   * @param partial whether fewer will do
   */
  public record Term(long ttlMs, long requests, boolean partial) {}

  public Wish(String id, long input, long output, long spread, String session) {
    this(id, input, output, spread, session, null);
  }

  /** The provider charges the output at admission. */
  public Wish(String id, long input, long output, String session) {
    this(id, input, output, -1, session);
  }

  /** The requests that it is for. */
  long requests() {
    return term == null ? 1 : term.requests();
  }

  /** Whether it may be for fewer. */
  boolean isPartial() {
    return term != null && term.partial();
  }

  /** A part of it: so many of its requests, with their part of the tokens. */
  Wish part(long requests) {
    if (term == null) {
      return this;
    }
    return new Wish(
        id,
        part(input, requests),
        part(output, requests),
        spread < 0 ? spread : part(spread, requests),
        session,
        new Term(term.ttlMs(), requests, false));
  }

  private long part(long amount, long requests) {
    return Math.ceilDiv(amount * requests, requests());
  }

  /** Its code in a reply, if it is granted. */
  long code() {
    return term == null ? 1 : 1 + 1_000 * term.requests();
  }

  /** As a call has it. */
  String text() {
    String tokens = " " + input + " " + output + " " + (spread < 0 ? "-" : spread);
    return term == null
        ? tokens
        : tokens + ":" + term.ttlMs() + ":" + term.requests() + (term.partial() ? "+" : "");
  }
}
