/**
 * Server-sent events as they pass: what they say of usage, and the few that Relay changes. Pure.
 */
@NullMarked
package relay.stream;

import org.jspecify.annotations.NullMarked;
