/**
 * Tests of the source itself, compiled into every module's tests: each module checks its own files.
 */
@NullMarked
package relay.guards;

import org.jspecify.annotations.NullMarked;
