/**
 * What a request is admitted by, however its bytes travel: the client's limits and budgets, the
 * route, the lease of a key, the refusal with its time, the retry on another key, the settlement.
 */
@NullMarked
package relay.admission;

import org.jspecify.annotations.NullMarked;
