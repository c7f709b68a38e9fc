/** The load of {@code relay try}: open-loop arrivals, their tally, the probe of retry-after. */
@NullMarked
package relay.trial.load;

import org.jspecify.annotations.NullMarked;
