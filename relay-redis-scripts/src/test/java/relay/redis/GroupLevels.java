package relay.redis;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A group in the model, and the one of whose account its own is a part: the limits of both hold.
 */
final class GroupLevels {
  private GroupLevels() {}

  static List<GroupModel> of(GroupModel group) {
    return group.above == null ? List.of(group) : List.of(group, group.above);
  }

  /** As {@link GroupModel#clamp}, to the limits of both. */
  static long @Nullable [] clamp(GroupModel group, long input, long output, long[] tooLarge) {
    long[] own = group.clamp(input, output, tooLarge);
    GroupModel above = group.above;
    if (own == null || above == null) {
      return own;
    }
    return above.clamp(input, output, tooLarge) == null
        ? null
        : above.clamp(own[0], own[1], new long[2]);
  }
}
