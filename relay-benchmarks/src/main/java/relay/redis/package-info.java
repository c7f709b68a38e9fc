/**
 * Measures the scripts. Lives in the engine's package because it calls single scripts, which are
 * package-private.
 */
@org.jspecify.annotations.NullMarked
package relay.redis;
