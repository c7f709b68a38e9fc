/**
 * Compiled into the tests of every module: tests of the module's own sources, and what the tests of
 * several modules share.
 */
@NullMarked
package relay.guards;

import org.jspecify.annotations.NullMarked;
