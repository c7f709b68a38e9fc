/** Normal requests while a replica is attacked, and while a fleet restarts. */
@org.jspecify.annotations.NullMarked
package relay.attack;
