/** Bodies of requests: in the heap, or in direct memory that the provider's socket can send. */
@NullMarked
package relay.body;

import org.jspecify.annotations.NullMarked;
