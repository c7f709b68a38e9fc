/** Exact rate limiting of key pools in Redis. */
@NullMarked
package relay.redis;

import org.jspecify.annotations.NullMarked;
