/**
 * Starts replicas of Relay as processes: for the trial, the training, the end-to-end tests and the
 * benchmarks.
 */
@NullMarked
package relay.trial.process;

import org.jspecify.annotations.NullMarked;
