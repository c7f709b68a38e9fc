/** Load generators over loopback: many connections on one or two threads. */
@org.jspecify.annotations.NullMarked
package relay.load;
