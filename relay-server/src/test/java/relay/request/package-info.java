/** Tests of the request scanner. */
@NullMarked
package relay.request;

import org.jspecify.annotations.NullMarked;
