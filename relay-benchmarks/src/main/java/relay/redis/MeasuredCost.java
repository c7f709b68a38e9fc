package relay.redis;

import java.util.ArrayList;
import java.util.List;

/**
 * What a workload's scripts cost: the tenth percentile of many bursts, for what else a machine does
 * only ever makes a burst slower.
 *
 * @param acquireMicros of a call of acquire, inside of the script
 * @param bothMicros likewise of one that ends as many leases as it makes
 * @param settleMicros likewise of settle
 * @param referenceMicros of the reference script, measured between the bursts
 * @param cpuMicrosPerPair of Redis's main thread for one request's acquire and settle in one call,
 *     all in
 */
record MeasuredCost(
    double acquireMicros,
    double bothMicros,
    double settleMicros,
    double referenceMicros,
    double cpuMicrosPerPair) {

  static MeasuredCost of(ScriptRig rig, int bursts) {
    List<Double> acquires = new ArrayList<>();
    List<Double> both = new ArrayList<>();
    List<Double> settles = new ArrayList<>();
    List<Double> references = new ArrayList<>();
    for (int n = 0; n < bursts; n++) {
      references.add(rig.reference());
      ScriptRig.Bursts cost = rig.measure();
      acquires.add(cost.acquire().microsPerCall());
      both.add(cost.both().microsPerCall());
      settles.add(cost.settle().microsPerCall());
    }
    return new MeasuredCost(
        low(acquires), low(both), low(settles), low(references), rig.cpuMicrosPerPair(bursts));
  }

  private static double low(List<Double> values) {
    return values.stream().sorted().toList().get(values.size() / 10);
  }
}
