/** Stands in for a provider, in a process of its own: answers at once, and costs little. */
@org.jspecify.annotations.NullMarked
package relay.standin;
