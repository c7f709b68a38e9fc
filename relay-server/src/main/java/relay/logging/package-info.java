/** Logs on stderr, one line a record, as JSON or text. */
@NullMarked
package relay.logging;

import org.jspecify.annotations.NullMarked;
