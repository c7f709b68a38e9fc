/**
 * Pools between the configuration and the engine: the plan of a pool out of the file, and its state
 * as operators read it.
 */
@NullMarked
package relay.pool;

import org.jspecify.annotations.NullMarked;
