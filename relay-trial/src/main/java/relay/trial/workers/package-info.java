/**
 * Workers of the trial, a process each: they take leases of Relay over HTTP and call the provider
 * by themselves.
 */
@NullMarked
package relay.trial.workers;

import org.jspecify.annotations.NullMarked;
