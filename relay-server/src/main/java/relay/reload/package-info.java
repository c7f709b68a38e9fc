/** Changes the configuration of a running replica: when to read it again, and what came of it. */
@NullMarked
package relay.reload;

import org.jspecify.annotations.NullMarked;
