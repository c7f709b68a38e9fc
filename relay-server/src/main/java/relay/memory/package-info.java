/** The memory that peers may make a replica hold. */
@NullMarked
package relay.memory;

import org.jspecify.annotations.NullMarked;
