/** Requests that are parked in this replica until a key can carry them. */
@NullMarked
package relay.redis.waiting;

import org.jspecify.annotations.NullMarked;
