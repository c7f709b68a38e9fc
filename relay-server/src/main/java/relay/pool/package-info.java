/**
 * Connects configuration and engine: builds pool plans from the configuration, and pool states for
 * operators.
 */
@NullMarked
package relay.pool;

import org.jspecify.annotations.NullMarked;
