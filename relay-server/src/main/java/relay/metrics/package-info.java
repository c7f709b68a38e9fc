/** What Relay counts and measures, for Prometheus. */
@NullMarked
package relay.metrics;

import org.jspecify.annotations.NullMarked;
