/** What callers say and are told: plans, demands, leases, outcomes and states. */
@NullMarked
package relay.redis.model;

import org.jspecify.annotations.NullMarked;
