/** The steps of a request: authenticate, read, acquire, forward, stream, settle. */
@NullMarked
package relay.pipeline;

import org.jspecify.annotations.NullMarked;
