package relay.redis.walk;

/**
 * A request.
 *
 * @param spread of the output; -1 if the provider charges it at admission
 * @param session empty for none
 */
public record Wish(String id, long input, long output, long spread, String session) {
  /** The provider charges the output at admission. */
  public Wish(String id, long input, long output, String session) {
    this(id, input, output, -1, session);
  }
}
