/**
 * Carrier threads of requests. Each runs virtual threads and select()s their sockets itself, so
 * bytes reach their reader without a hop to another thread.
 */
@NullMarked
package relay.carrier;

import org.jspecify.annotations.NullMarked;
