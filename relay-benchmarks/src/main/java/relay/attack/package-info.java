/** Attacks on a replica, let loose together beside normal requests. */
@org.jspecify.annotations.NullMarked
package relay.attack;
