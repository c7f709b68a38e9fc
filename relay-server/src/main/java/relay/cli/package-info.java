/** The command line, read by picocli: arguments, help, suggestions, completion. */
@NullMarked
package relay.cli;

import org.jspecify.annotations.NullMarked;
