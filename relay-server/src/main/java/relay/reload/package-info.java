/** Reloads the configuration of a running replica. */
@NullMarked
package relay.reload;

import org.jspecify.annotations.NullMarked;
