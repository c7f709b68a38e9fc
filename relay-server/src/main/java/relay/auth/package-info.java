/** Authentication of clients. */
@NullMarked
package relay.auth;

import org.jspecify.annotations.NullMarked;
