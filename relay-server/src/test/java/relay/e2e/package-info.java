/**
 * Relay as its users meet it: replicas as processes of their own, a real Redis, clients and
 * providers at the other ends of real connections.
 */
@NullMarked
package relay.e2e;

import org.jspecify.annotations.NullMarked;
