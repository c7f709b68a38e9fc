/** What providers' answers say of keys and groups, and which of it is news. */
@NullMarked
package relay.redis.report;

import org.jspecify.annotations.NullMarked;
