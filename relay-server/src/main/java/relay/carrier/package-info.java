/**
 * The threads that carry requests: each runs virtual threads, and waits itself for the sockets that
 * those read, so that bytes of a provider reach their reader without another thread between.
 */
@NullMarked
package relay.carrier;

import org.jspecify.annotations.NullMarked;
