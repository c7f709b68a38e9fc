/** What a request will probably use, learned from what earlier ones did use. */
@NullMarked
package relay.estimate;

import org.jspecify.annotations.NullMarked;
