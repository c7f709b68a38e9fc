/**
 * Tests of the source code. They are compiled into every module's tests, and each module checks its
 * own files.
 */
@NullMarked
package relay.guards;

import org.jspecify.annotations.NullMarked;
