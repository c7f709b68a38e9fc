/** The scripts' text: assembled into the one function library that Redis loads. */
@NullMarked
package relay.redis.library;

import org.jspecify.annotations.NullMarked;
