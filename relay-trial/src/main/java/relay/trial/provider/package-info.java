/** A simulated provider on loopback that enforces limits as providers document them. */
@NullMarked
package relay.trial.provider;

import org.jspecify.annotations.NullMarked;
