/**
 * Extracts usage from streamed answers and edits the few events that Relay must change. Free of
 * I/O.
 */
@NullMarked
package relay.stream;

import org.jspecify.annotations.NullMarked;
