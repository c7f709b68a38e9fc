/**
 * What Relay must know of a request's body, found in one pass, and the two edits it may make. Pure.
 */
@NullMarked
package relay.request;

import org.jspecify.annotations.NullMarked;
