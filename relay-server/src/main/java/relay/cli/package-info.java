/** The command line: what the arguments ask for, and the texts of help. */
@NullMarked
package relay.cli;

import org.jspecify.annotations.NullMarked;
