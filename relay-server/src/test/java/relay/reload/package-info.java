@NullMarked
package relay.reload;

import org.jspecify.annotations.NullMarked;
