package relay.redis.walk;

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

  /** As {@link #clampTo}, to the limits of both and of their days. */
  static long @Nullable [] clamp(GroupModel group, Wish wish, long[] tooLarge) {
    long requests = wish.requests();
    long[] fits = clampOne(group, requests, wish.input(), wish.output(), tooLarge);
    GroupModel above = group.above;
    if (fits == null || above == null) {
      return fits;
    }
    return clampOne(above, requests, wish.input(), wish.output(), tooLarge) == null
        ? null
        : clampOne(above, requests, fits[0], fits[1], new long[2]);
  }

  private static long @Nullable [] clampOne(
      GroupModel group, long requests, long input, long output, long[] tooLarge) {
    if (requests > 1 && group.limits[0] > 0 && requests > group.limits[0]) {
      note(1, group.limits[0], tooLarge);
      return null;
    }
    long[] fits = clampTo(group.limits, input, output, tooLarge);
    DayModel day = group.day;
    if (fits == null || day == null) {
      return fits;
    }
    if (requests > 1 && day.limits[0] > 0 && requests > day.limits[0]) {
      note(TOKENS_A_DAY - 1, day.limits[0], tooLarge);
      return null;
    }
    if (day.clamp(input, output) == null) {
      note(TOKENS_A_DAY, day.limits[1], tooLarge);
      return null;
    }
    return day.clamp(fits[0], fits[1]);
  }

  /**
   * Clamps up to twice a limit to the limit. A larger amount never fits, and is recorded if its
   * limit is the largest so far: dimension from 1, limit.
   */
  private static long @Nullable [] clampTo(
      long[] limits, long input, long output, long[] tooLarge) {
    long in = input;
    long out = output;
    int too = 0;
    if (limits[1] > 0 && in > 2 * limits[1]) {
      too = 1;
    } else {
      in = limits[1] > 0 ? Math.min(in, limits[1]) : in;
      if (limits[2] > 0 && out > 2 * limits[2]) {
        too = 2;
      } else {
        out = limits[2] > 0 ? Math.min(out, limits[2]) : out;
        if (limits[3] > 0 && in + out > 2 * limits[3]) {
          too = 3;
        } else if (limits[3] > 0 && in + out > limits[3]) {
          in = Math.min(in, limits[3]);
          out = limits[3] - in;
        }
      }
    }
    if (too == 0) {
      return new long[] {in, out};
    }
    note(too + 1, limits[too], tooLarge);
    return null;
  }

  private static void note(int reason, long limit, long[] tooLarge) {
    if (limit > tooLarge[1]) {
      tooLarge[0] = reason;
      tooLarge[1] = limit;
    }
  }
}
