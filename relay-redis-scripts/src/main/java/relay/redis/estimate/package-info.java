/** What requests of a model are expected to use, as learned from those that ended. */
@NullMarked
package relay.redis.estimate;

import org.jspecify.annotations.NullMarked;
