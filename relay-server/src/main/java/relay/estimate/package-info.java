/** Estimates of a request's token usage, learned from earlier requests. */
@NullMarked
package relay.estimate;

import org.jspecify.annotations.NullMarked;
