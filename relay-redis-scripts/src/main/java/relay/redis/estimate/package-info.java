/** Estimates of what a model's requests use, learned from requests that ended. */
@NullMarked
package relay.redis.estimate;

import org.jspecify.annotations.NullMarked;
