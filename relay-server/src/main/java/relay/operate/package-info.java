/** The operator's commands: check a config, show the keys, change a key. */
@NullMarked
package relay.operate;

import org.jspecify.annotations.NullMarked;
