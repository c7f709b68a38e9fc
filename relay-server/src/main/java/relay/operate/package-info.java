/** The commands that are over at once: what an operator asks of Relay, and does to its keys. */
@NullMarked
package relay.operate;

import org.jspecify.annotations.NullMarked;
