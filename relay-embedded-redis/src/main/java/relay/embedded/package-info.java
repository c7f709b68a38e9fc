/** A Redis of Relay's own, for one machine and for trying it out. */
@NullMarked
package relay.embedded;

import org.jspecify.annotations.NullMarked;
