/** Access tokens of Google service accounts, with Google's library. */
@NullMarked
package relay.vertex;

import org.jspecify.annotations.NullMarked;
