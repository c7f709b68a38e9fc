/**
 * The configuration: a YAML file, the environment and secret files in, a validated tree of records
 * or every fault with its place out. Loading is a function of its parameters and keeps no state, so
 * it can be repeated at any time.
 */
@NullMarked
package relay.config;

import org.jspecify.annotations.NullMarked;
