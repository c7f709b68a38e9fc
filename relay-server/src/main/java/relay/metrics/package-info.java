/** Relay's Prometheus metrics. */
@NullMarked
package relay.metrics;

import org.jspecify.annotations.NullMarked;
