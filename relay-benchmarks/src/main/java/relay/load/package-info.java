/** Drives a server over loopback: many connections by one or two threads. */
@org.jspecify.annotations.NullMarked
package relay.load;
