@NullMarked
package relay.trial.load;

import org.jspecify.annotations.NullMarked;
