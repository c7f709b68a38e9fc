/**
 * The configuration. Loads a YAML file, with the environment and secret files, into validated
 * records, or into a list of faults with their places. Loading keeps no state and can be repeated
 * at any time.
 */
@NullMarked
package relay.config;

import org.jspecify.annotations.NullMarked;
