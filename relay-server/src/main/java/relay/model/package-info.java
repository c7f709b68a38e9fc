/** Shared value types: no state, no I/O, no dependency on other packages. */
@NullMarked
package relay.model;

import org.jspecify.annotations.NullMarked;
