package relay.redis.walk;

import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A grant of one of several keys, and the rest of the reply for that key.
 *
 * @param favourite the conversation's group, if it is among them
 * @param take applies the grant, once the key is known
 */
record Picked(List<Choice> fitting, @Nullable String favourite, Consumer<Choice> take) {}
