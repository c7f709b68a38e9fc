/**
 * The client's side: Undertow, the routes of the data plane, reading bodies and writing answers.
 */
@NullMarked
package relay.edge;

import org.jspecify.annotations.NullMarked;
