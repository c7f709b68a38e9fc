package relay.redis.model;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A key's quarantine.
 *
 * @param since when it began, by Redis's clock; null if an earlier version began it
 * @param tries turns that were given to probe the key
 * @param next the next turn; null if none was asked for. A quarantine that no probe can end may
 *     have turns of an earlier one
 */
public record Quarantine(@Nullable Instant since, long tries, @Nullable Instant next) {}
