/**
 * Measures the scripts. In the engine's package, for it calls them one by one, which the engine
 * shows to nobody.
 */
@org.jspecify.annotations.NullMarked
package relay.redis;
