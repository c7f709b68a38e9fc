/** Words that every part shares: no state, no I/O, no dependency on any other package. */
@NullMarked
package relay.model;

import org.jspecify.annotations.NullMarked;
