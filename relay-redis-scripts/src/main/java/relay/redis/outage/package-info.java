/** Grants while Redis is away, by this replica's fair share, and what Redis is told afterwards. */
@NullMarked
package relay.redis.outage;

import org.jspecify.annotations.NullMarked;
