/**
 * Leases from Redis: asked for, renewed, charged to budgets, ended, and charged again after a loss.
 */
@NullMarked
package relay.redis.lease;

import org.jspecify.annotations.NullMarked;
