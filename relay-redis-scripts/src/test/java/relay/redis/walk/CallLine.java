package relay.redis.walk;

import static java.util.stream.Collectors.joining;

import java.util.List;

/**
 * The first argument of the scripts that create and end leases: all numbers of a call, in one line.
 */
public final class CallLine {
  private CallLine() {}

  /**
   * @param counts of an indexed pool, else empty
   */
  public static String acquire(
      Clock c,
      long epoch,
      long leaseMs,
      List<Step.Cost> endings,
      String counts,
      List<Wish> wishes) {
    String tokens = wishes.stream().map(Wish::text).collect(joining());
    String head = epoch + " " + c.ceiling() + " " + c.told() + " " + leaseMs + " " + endings.size();
    return head + counts + costs(endings) + tokens;
  }

  public static String settle(Clock c, List<Step.Cost> costs) {
    return c.ceiling() + " " + c.told() + costs(costs);
  }

  private static String costs(List<Step.Cost> costs) {
    return costs.stream()
        .map(x -> (x.closes() ? " x" : " ") + x.requests() + " " + x.input() + " " + x.output())
        .collect(joining());
  }
}
