/** Reports to Redis what providers' answers say of keys and groups, as far as it is news. */
@NullMarked
package relay.redis.report;

import org.jspecify.annotations.NullMarked;
