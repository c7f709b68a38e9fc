/** Access tokens: fetched ahead of expiry, one fetch at a time, shared by all requests of a key. */
@NullMarked
package relay.token;

import org.jspecify.annotations.NullMarked;
