/**
 * End-to-end tests: replica processes, a real Redis, and clients and providers over real
 * connections.
 */
@NullMarked
package relay.e2e;

import org.jspecify.annotations.NullMarked;
