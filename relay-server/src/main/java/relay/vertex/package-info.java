/** Tokens of Google service accounts, by Google's own library. */
@NullMarked
package relay.vertex;

import org.jspecify.annotations.NullMarked;
