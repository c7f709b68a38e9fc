/** Tests of the trial that need the server: its configuration is read, its training serves. */
@NullMarked
package relay.trial;

import org.jspecify.annotations.NullMarked;
