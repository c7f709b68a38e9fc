/** Values that callers pass and get: plans, demands, leases, outcomes and states. */
@NullMarked
package relay.redis.model;

import org.jspecify.annotations.NullMarked;
