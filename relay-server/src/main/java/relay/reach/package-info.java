/** The private parts of libraries and of the JDK that Relay uses. All else works without them. */
@NullMarked
package relay.reach;

import org.jspecify.annotations.NullMarked;
