/** The admin plane: health, metrics, pool states and operator actions on keys. */
@NullMarked
package relay.admin;

import org.jspecify.annotations.NullMarked;
