/** Words that every part shares: no behaviour, no I/O, no dependency on any other package. */
@NullMarked
package relay.model;

import org.jspecify.annotations.NullMarked;
