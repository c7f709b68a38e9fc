/** The scripts' calls: keys, plans and candidates that they are given, and replies, decoded. */
@NullMarked
package relay.redis.script;

import org.jspecify.annotations.NullMarked;
