/** Traces of requests, by OpenTelemetry. No other package sees that library. */
@NullMarked
package relay.trace;

import org.jspecify.annotations.NullMarked;
