/** Who calls: clients and their credentials. */
@NullMarked
package relay.auth;

import org.jspecify.annotations.NullMarked;
