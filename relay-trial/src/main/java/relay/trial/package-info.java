/**
 * {@code relay try}: a simulated provider that enforces limits, a load, a live picture, a verdict.
 */
@NullMarked
package relay.trial;

import org.jspecify.annotations.NullMarked;
