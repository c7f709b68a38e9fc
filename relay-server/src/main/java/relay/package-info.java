/** Entry point and composition root. */
@NullMarked
package relay;

import org.jspecify.annotations.NullMarked;
