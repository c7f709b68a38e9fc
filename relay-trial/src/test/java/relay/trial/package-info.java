@NullMarked
package relay.trial;

import org.jspecify.annotations.NullMarked;
