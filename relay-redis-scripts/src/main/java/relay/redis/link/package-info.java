/** Connections to Redis: masters, sentinels, Cluster slots, deadlines and what failed. */
@NullMarked
package relay.redis.link;

import org.jspecify.annotations.NullMarked;
