package relay.redis;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A group in the model, and the one of whose account its own is a part: the limits of both hold.
 */
final class GroupLevels {
  private static final int TOKENS_A_DAY = 8;

  private GroupLevels() {}

  static List<GroupModel> of(GroupModel group) {
    return group.above == null ? List.of(group) : List.of(group, group.above);
  }

  /** As {@link GroupModel#clamp}, to the limits of both and of their days. */
  static long @Nullable [] clamp(GroupModel group, long input, long output, long[] tooLarge) {
    long[] fits = clampOne(group, input, output, tooLarge);
    GroupModel above = group.above;
    if (fits == null || above == null) {
      return fits;
    }
    return clampOne(above, input, output, tooLarge) == null
        ? null
        : clampOne(above, fits[0], fits[1], new long[2]);
  }

  private static long @Nullable [] clampOne(
      GroupModel group, long input, long output, long[] tooLarge) {
    long[] fits = group.clamp(input, output, tooLarge);
    DayModel day = group.day;
    if (fits == null || day == null) {
      return fits;
    }
    if (day.clamp(input, output) == null) {
      if (day.limits[1] > tooLarge[1]) {
        tooLarge[0] = TOKENS_A_DAY;
        tooLarge[1] = day.limits[1];
      }
      return null;
    }
    return day.clamp(fits[0], fits[1]);
  }
}
