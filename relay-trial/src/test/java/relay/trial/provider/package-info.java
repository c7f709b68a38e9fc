@NullMarked
package relay.trial.provider;

import org.jspecify.annotations.NullMarked;
