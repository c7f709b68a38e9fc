/**
 * Grants while Redis is away, by this replica's fair share, and the charges that Redis gets
 * afterwards.
 */
@NullMarked
package relay.redis.outage;

import org.jspecify.annotations.NullMarked;
