/** Leases for workers that call a provider by themselves: the calls about them, at any replica. */
@NullMarked
package relay.leases;

import org.jspecify.annotations.NullMarked;
