/** Tests of the stream scanners. */
@NullMarked
package relay.stream;

import org.jspecify.annotations.NullMarked;
