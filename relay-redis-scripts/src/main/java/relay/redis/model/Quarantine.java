package relay.redis.model;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import relay.redis.script.Reply;

/**
 * A key's quarantine.
 *
 * @param since when it began, by Redis's clock; null if an earlier version began it
 * @param tries turns that were given to probe the key
 * @param next the next turn; null if none was asked for. A quarantine that no probe can end may
 *     have turns of an earlier one
 */
public record Quarantine(@Nullable Instant since, long tries, @Nullable Instant next) {

  /** What {@code quarantined} replies of a key. */
  public static Quarantine of(List<Object> reply) {
    return new Quarantine(instant(reply.get(0)), Reply.number(reply.get(1)), instant(reply.get(2)));
  }

  private static @Nullable Instant instant(Object millis) {
    long known = Reply.number(millis);
    return known == 0 ? null : Instant.ofEpochMilli(known);
  }
}
