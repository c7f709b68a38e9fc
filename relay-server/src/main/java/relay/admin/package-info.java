/** The admin plane: health, metrics, the state of the pools, and what an operator does to a key. */
@NullMarked
package relay.admin;

import org.jspecify.annotations.NullMarked;
