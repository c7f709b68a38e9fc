/** A stand-in for a provider, in its own process: answers at once, at little cost. */
@org.jspecify.annotations.NullMarked
package relay.standin;
